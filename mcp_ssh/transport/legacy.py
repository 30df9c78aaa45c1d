"""Algorithms of old devices, for hosts with `legacy_crypto`: each client is offered them behind all that it has.

What OpenSSH has dropped from its defaults (https://www.openssh.com/legacy.html) and asyncssh from its own.
"""

kex = "+diffie-hellman-group-exchange-sha1,diffie-hellman-group14-sha1,diffie-hellman-group1-sha1"
ciphers = "+aes256-cbc,aes192-cbc,aes128-cbc,3des-cbc"
macs = "+hmac-sha1,hmac-sha1-96,hmac-md5,hmac-md5-96"
key_type = "ssh-rsa"
signatures = f"+{key_type}"
