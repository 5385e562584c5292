#!/bin/sh
# Who removes the package stops the service; an upgrade does not. The store in /var/lib/idaas-ldap, with its key, is never removed.
set -e
case "${1:-}" in
  0 | remove)
    if [ -d /run/systemd/system ]; then
      systemctl disable --now idaas-ldap.service || true
    fi
    ;;
esac
