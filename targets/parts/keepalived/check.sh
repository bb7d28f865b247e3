#!/bin/bash
# HAProxy answers, and it has at least one server to pass requests to.
exec 3<>/dev/tcp/127.0.0.1/{% if design.public_tls %}80{% else %}{{ design.public_port }}{% endif %} || exit 1
printf 'GET /haproxy-health HTTP/1.0\r\n\r\n' >&3
read -r -t 1 version status rest <&3
[ "$status" = 200 ]
