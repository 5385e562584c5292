#!/bin/sh
# The user is there before the files are, as some of them are its own. It is kept when the package is removed: the store is its own too.
set -e
getent group idaas-ldap >/dev/null || groupadd --system idaas-ldap
getent passwd idaas-ldap >/dev/null ||
  useradd --system --gid idaas-ldap --home-dir /var/lib/idaas-ldap --no-create-home --shell /usr/sbin/nologin --comment "idaas-ldap" idaas-ldap
