# Makes a change in a domain for tests as the system does: samba_modify.py SMB_CONF LDIF
#
# What an administrator of a Windows domain may change over the wire, Samba lets only who is on the machine.
import sys

from samba.auth import system_session
from samba.param import LoadParm
from samba.samdb import SamDB

lp = LoadParm()
lp.load(sys.argv[1])
SamDB(lp=lp, session_info=system_session(lp)).modify_ldif(sys.argv[2])
