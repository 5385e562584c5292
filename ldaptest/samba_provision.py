# Makes a domain for tests: samba_provision.py SMB_CONF BASE64_PASSWORD
#
# samba-tool does the same in three times the time, and fails where the file system has no ACLs for the shared folder sysvol,
# which an LDAP directory does not need.
import base64
import logging
import sys

import ldb
from samba.auth import system_session
from samba.dsdb import DS_DOMAIN_FUNCTION_2008_R2
from samba.param import LoadParm
from samba.provision import provision
from samba.sd_utils import SDUtils

smb_conf, password = sys.argv[1], base64.b64decode(sys.argv[2]).decode()
lp = LoadParm()
lp.load(smb_conf)
samdb = provision(
    logging.getLogger(), system_session(), smbconf=smb_conf, lp=lp,
    realm=lp.get("realm"), domain=lp.get("workgroup"), hostname=lp.get("netbios name"), hostip="127.0.0.1",
    serverrole=lp.get("server role"), dom_for_fun_level=DS_DOMAIN_FUNCTION_2008_R2,
    adminpass=password, dns_backend="NONE", skip_sysvolacl=True, batch_mode=True,
).samdb

base = samdb.domain_dn()
rules = ldb.Message(ldb.Dn(samdb, base))
for name, value in {
    "minPwdLength": "8", "minPwdAge": "0", "pwdHistoryLength": "3", "pwdProperties": "1", "lockoutThreshold": "5",
}.items():
    rules[name] = ldb.MessageElement(value, ldb.FLAG_MOD_REPLACE, name)
samdb.modify(rules)

units = ["people", "groups", "leavers"]
for unit in units + ["system"]:
    samdb.create_ou("OU=%s,%s" % (unit, base))
samdb.newuser("connector", password, userou="OU=system")
connector = samdb.search(base, expression="(sAMAccountName=connector)", attrs=["objectSid"])[0]
sid = samdb.schema_format_value("objectSid", connector["objectSid"][0]).decode()
for unit in units:
    # Full control of the unit and of all that is below it, as an administrator delegates it.
    SDUtils(samdb).dacl_add_ace("OU=%s,%s" % (unit, base), "(A;CI;GA;;;%s)" % sid)
