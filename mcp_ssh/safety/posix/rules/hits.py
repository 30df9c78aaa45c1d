"""Hits that several families give."""

from mcp_ssh.safety.posix.rules.rule import Hit

trace = Hit("posix.traces", "it removes what tells who did what on the host")
whole = Hit(
    "posix.delete.root",
    "it deletes the system, a whole part of it, or somebody's data",
    "name the folder that is really meant",
)
overwrites = Hit(
    "posix.overwrite",
    "it overwrites a file that the system or its logins need",
    "copy the file first and change one line with care",
)
cloud = Hit("posix.cloud", "it deletes or stops what runs or lies in a cloud")
boot = Hit("posix.boot", "it changes what the host boots from")
lockout = Hit("posix.lockout.login", "it locks people out of the host, or lets others in")
service = Hit("posix.lockout.service", "it stops a service by which the host is reached")
process = Hit("posix.process", "it ends all processes, or one that the host needs")
freeze = Hit("posix.freeze", "it freezes the host, or takes away what it runs on")
volume = Hit("posix.volume", "it destroys a volume, or makes its data unreadable")
