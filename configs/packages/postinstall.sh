#!/bin/sh
# A new version takes over from one that runs; a new service is started by the administrator, who has to name the directory first.
set -e
if [ -d /run/systemd/system ]; then
  systemctl daemon-reload
  systemctl try-restart idaas-ldap.service
fi
case "${1:-}" in
  1) first=yes ;;                                 # rpm
  configure) [ -n "${2:-}" ] || first=yes ;;      # deb: no version was there before
esac
if [ "${first:-}" = yes ]; then
  echo "idaas-ldap: edit /etc/idaas-ldap/idaas-ldap.yaml and a mapping beside it, then:"
  echo "  runuser -u idaas-ldap -- idaas-ldap validate --online"
  echo "  systemctl enable --now idaas-ldap"
fi
