# Does in a domain for tests what commands of the Windows program dsacls say: samba_dsacls.py SMB_CONF COMMANDS
#
# A command is: dsacls "DN" /I:T or /I:S /G "ACCOUNT:RIGHTS;OBJECT" or "ACCOUNT:RIGHTS;OBJECT;CLASS", with any number of those after /G. /I:T is
# about the entry and all below it, /I:S about entries of the class below it.
import shlex
import sys

import ldb
from samba.auth import system_session
from samba.ndr import ndr_unpack
from samba.dcerpc import misc
from samba.param import LoadParm
from samba.samdb import SamDB
from samba.sd_utils import SDUtils

lp = LoadParm()
lp.load(sys.argv[1])
samdb = SamDB(lp=lp, session_info=system_session(lp))
schema = samdb.get_schema_basedn()
# Extended rights by their names (MS-ADTS section 5.1.3.2.1).
extended = {"Reset Password": "00299570-246d-11d0-a768-00aa006e0529"}


def of_schema(name):
    found = samdb.search(schema, ldb.SCOPE_ONELEVEL, "(lDAPDisplayName=%s)" % name, attrs=["schemaIDGUID"])
    return str(ndr_unpack(misc.GUID, found[0]["schemaIDGUID"][0]))


def entry_of(dn, account, rights, thing, below=""):
    found = samdb.search(account, ldb.SCOPE_BASE, attrs=["objectSid"])
    sid = samdb.schema_format_value("objectSid", found[0]["objectSid"][0]).decode()
    guid = extended[thing] if rights == "CA" else of_schema(thing) if thing else ""
    return "(OA;%s;%s;%s;%s;%s)" % ("CIIO" if below else "CI", {"CA": "CR"}.get(rights, rights), guid, of_schema(below) if below else "", sid)


words = shlex.split(sys.argv[2].replace("&&", " "))
while words:
    assert words.pop(0) == "dsacls"
    dn, inherit, grant = words.pop(0), words.pop(0), words.pop(0)
    assert grant == "/G"
    while words and words[0] != "dsacls":
        account, _, what = words.pop(0).rpartition(":")
        parts = what.split(";")
        assert (inherit == "/I:S") == (len(parts) == 3), what
        SDUtils(samdb).dacl_add_ace(dn, entry_of(dn, account, *parts))
