"""The spawner that starts every command, and the sandboxes it starts them in.

What a command can reach, by rung (bubblewrap; Landlock with namespaces; Landlock where none are permitted):

| | bubblewrap | Landlock + namespaces | Landlock alone |
|---|---|---|---|
| read, write, truncate, create outside its view | no | no | no |
| change modes, owners, times outside | no | no | what the user owns and the path leads to |
| protected paths inside writable ones | read-only | read-only | put back afterwards |
| see or signal other processes | no | no | sees names, not environments; no signals |
| network, host's loopback, DNS | no | no | no |
| servers of its own on loopback | yes | yes | no |
| sockets in the file system | its own | its own | none, not even its own |
| abstract sockets of the host, network opened | yes | no | no |
| shared memory, /tmp | its own | its own | no /dev/shm; only $TMPDIR |
| outlive its command or its owner | no | no | no |
"""
