"""Causes in the styles of system logs, where only a message is given; invented, each in one line with its slots."""

TUNED = """
Got block blk_-{id} of size {n} from {ip}
Thread {n} for blk_{id} ends
asked {ipport} to delete {blks}
allocated {path}. blk_-{id}
Job attempt_{n}_{n}_m_{n}_0 is at 0.{n}
Container container_{n}_{n}_{n} given to {host}:{n}
Recalculated room, headroom=<memory:{n}, cores:-{n}>
Late tasks:{n} early tasks:{n} waiting:{n}
login failed; uid={n} euid={n} tty=ssh ruser= rhost={host}
login failed; uid={n} euid={n} tty=ssh ruser= rhost={ip}  user={login}
session closed for user {login}
session opened for user {login} by (uid={n})
Refused password for {login} from {ip} port {n} ssh2
Refused password for invalid user {login} from {ip} port {n} ssh2
Bye from {ip}: 11: done [preauth]
[instance: {uuid}] machine started
[instance: {uuid}] machine paused
{ip} "GET /v2/{hex}/servers HTTP/1.1" status: {st} len: {n} time: 0.{n}
{ip} "POST /v2/{hex}/servers HTTP/1.1" status: {st} len: {n} time: 0.{n}
Took {n}.{n} seconds to build the machine
{host}:443 close, {n} bytes sent, {n} bytes received, lifetime {life}
{host}:443 open through proxy {host}:{n} HTTPS
Finished task {n}.0 in stage {n}.0 (TID {n}). {n} bytes sent to driver
Block broadcast_{n}_piece0 stored in memory (estimated size {size}, free {size})
Read broadcast value {n} took {n} ms
New session 0x{hex} with timeout {n} for client /{ipport}
No more data from client sessionid 0x{hex}
generating dump.{n}
{n} alignment faults
r{nn}=0x{hex} r{nn}=0x{hex} r{nn}=0x{hex}
Fan speeds ( {n} {n} {n} {n} )
[client {ip}] Directory listing refused: {path}
child {n} found in slot {n}
child worker in error state {n}
DHCP request from {mac} via eth{nn}
totalSteps={n}
steps changed {n}
Local time {stamp}, next check in {dur}
"""

HELD_OUT = """
Replica on {ipport} of blk_{id} is corrupt
Lost node {host}:{n}, {n} blocks to copy
Deleting {path} took {n} ms
Renewed lease of client_{n}_{n} for {n} seconds
reverse lookup of {ip} gave nothing
Closing connection {n} of {n}: {ipport}
disk {path} is {pct} full, {size} left
task {n} of job job_{n}_{n} ran {dur}
clock stepped by -{n}.{n} s
register gpr{nn} holds 0x{hex}
link {nn} on {host} is down since {stamp}
pid={n} exited on signal {nn}
Volume vol-{hex} attached to {uuid}
user {email} logged in from {ip}
GC freed {size} in {dur}
"""
