@echo off
rem Registers idaas-ldap as a service that runs from this folder, as an account that is its own. Run it from a terminal with administrator's
rem rights, after "idaas-ldap.exe init .", and after "idaas-ldap.exe validate --online" has found nothing.
setlocal
cd /d "%~dp0"
if not exist idaas-ldap.yaml (
  echo There is no idaas-ldap.yaml in %CD%: run idaas-ldap.exe init . first.
  exit /b 78
)
sc.exe create idaas-ldap binPath= "\"%CD%\idaas-ldap.exe\" serve --config \"%CD%\idaas-ldap.yaml\"" start= delayed-auto obj= "NT SERVICE\idaas-ldap" DisplayName= "idaas-ldap" || exit /b 1
sc.exe description idaas-ldap "Account events of Alibaba Cloud IDaaS to LDAP directories" || exit /b 1
sc.exe failure idaas-ldap reset= 3600 actions= restart/5000/restart/60000/restart/60000 || exit /b 1
rem Only administrators, the system and the service itself may look into the folder: the store, its key and the secrets are there.
icacls.exe . /inheritance:r /grant:r *S-1-5-32-544:(OI)(CI)F *S-1-5-18:(OI)(CI)F "NT SERVICE\idaas-ldap:(OI)(CI)M" || exit /b 1
sc.exe start idaas-ldap
