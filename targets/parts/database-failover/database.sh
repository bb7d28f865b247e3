# Sourced by the scripts beside it: how the databases are asked.

primary_address={{ primary_address }}
peers="{% for moving in virtual_addresses %}{{ moving.peers | map(attribute="address") | join(" ") }}{% endfor %}"
options="--no-defaults --batch"
socket={{ dir | replace("keepalived", "mariadbd") }}/mysql.sock

# This node's database, by its socket: `here SQL`.
here() {
    timeout 5 mariadb $options --skip-column-names --socket="$socket" --user=root --execute="$1"
}

# What this node's database says of itself, a line for each: read_only, and all of SHOW SLAVE STATUS when it follows.
state() {
    timeout 2 mariadb $options --socket="$socket" --user=root \
        --execute='SELECT @@read_only AS read_only, @@gtid_current_pos AS place\G SHOW SLAVE STATUS\G'
}

# A value of it: `field NAME STATE`.
field() {
    sed -n "s/^ *$1: //p" <<< "$2"
}

# Another node's, by the port that replication uses: `at ADDRESS SQL`.
at() {
    MYSQL_PWD={{ settings.password }} timeout 2 mariadb $options --skip-column-names --connect-timeout=1 --host="$1" --port={{ settings.replication_port }} --user=failover \
{%- if certificate %}
        --ssl-ca={{ certificate.authority }} --ssl-verify-server-cert \
{%- endif %}
        --execute="$2"
}

# How far a database has come in the primary's log, though it may not have applied all of it: `received WHO`, which is
# `here` or `at ADDRESS`. One domain is in use, so the last number orders all (0-1-42 -> 42).
received() {
    # A primary's log ends where it is; of a replica, the column Gtid_IO_Pos counts, which may be ahead.
    "$@" 'SELECT @@gtid_current_pos; SHOW SLAVE STATUS' | grep -o '\b0-[0-9]*-[0-9]*\b' | sed 's/.*-//' | sort -n | tail -1
}

holds_address() {
    ip -o address show to "$primary_address" | grep -q .
}

say() {
    echo "$(date +%T.%3N) ${0##*/}: $*" >> {{ log }}
}

# One of these scripts at a time; one that the check starts gives way, since the check comes again.
exclusively() {
    exec 9>{{ dir }}/turn.lock
    if [ "$BY_CHECK" ]; then flock --nonblock 9 || exit 0; else flock 9; fi
}
