@echo off
rem Stops the service and takes it out of the list. The folder stays as it is, with the store and its key.
sc.exe stop idaas-ldap
sc.exe delete idaas-ldap
