# Sourced by the scripts beside it: how the databases are asked. Answers are lines "name: value".

primary_address={{ primary_address }}
peers="{% for moving in virtual_addresses %}{{ moving.peers | map(attribute="address") | join(" ") }}{% endfor %}"
socket={{ dir | replace("keepalived", "mariadbd") }}/mysql.sock
lock={{ dir | replace("keepalived", "mariadbd") }}/mariadbd.lock
# Where it keeps what is left of a fence.
fenced={{ dir | replace("keepalived", "mariadbd") }}/data/fenced
# SQL after which a database takes no writes. Commits that wait for a replica would hold the change up for as long as they
# wait: their clients are sent away before they could be told that it is done, and nobody comes in between.
no_writes="SET sql_log_bin = 0; ALTER USER 'orders'@'%' ACCOUNT LOCK; KILL USER orders; SET GLOBAL read_only = ON;
    ALTER USER 'orders'@'%' ACCOUNT UNLOCK; SET sql_log_bin = 1;"
# SQL after it: a commit does without a replica, if nobody can make one any more.
alone='SET GLOBAL rpl_semi_sync_master_enabled = (@@GLOBAL.read_only = 0);'
# SQL by which a node takes another one's writes away. A database of this name is left there, in its files and not in its
# log: its own node sees it without asking.
fence="SET sql_log_bin = 0; CREATE DATABASE IF NOT EXISTS fenced; $no_writes"
pardon="SET sql_log_bin = 0; DROP DATABASE IF EXISTS fenced; ALTER USER IF EXISTS 'orders'@'%' ACCOUNT UNLOCK; SET sql_log_bin = 1;"
client="mariadb --no-defaults --batch --force"
# What a database says of itself: whether it takes writes, how far it is, what its log has, and all about whom it follows.
state='SELECT @@read_only AS read_only, @@gtid_current_pos AS place, @@gtid_binlog_state AS log\G SHOW SLAVE STATUS\G'
# A database that died while it was asked is an answer that does not come.
trap '' PIPE

# Starts the client through which `here` asks: one for all questions of a script, as its start alone costs a small node a
# quarter of a second.
connect() {
    coproc $client --unbuffered --socket="$socket" --user=root 2>> {{ log }}
    # In a command substitution only copies of them can be used.
    exec 7<&"${COPROC[0]}" 8>&"${COPROC[1]}"
}

# This node's database, by its socket: `here SQL;`. Fails when it is silent for 5 s.
here() {
    # A late answer to an earlier question is not the answer to this one.
    local line question=$RANDOM$RANDOM
    printf 'SELECT %s AS asked\\G\n%s\nSELECT %s AS answered\\G\n' "$question" "$1" "$question" >&8
    while read -r -t 5 line <&7; do
        [ "$line" = "asked: $question" ] && break
    done
    while read -r -t 5 line <&7; do
        [ "$line" != "answered: $question" ] || return 0
        printf '%s\n' "$line"
    done
    return 1
} 2> /dev/null

# Whether another node's database can be reached, without a client: 0, 1 when it refuses, 124 when its node keeps silent or
# no way leads there.
reach() {
    local said
    said=$(LC_ALL=C timeout 1 bash -c "</dev/tcp/$1/{{ settings.replication_port }}" 2>&1) && return 0
    [[ $said == *refused* ]] && return 1
    return 124
}

# Another node's, by the port that replication uses: `at ADDRESS SQL;`. Fails when it does not answer: with 2 when it has no
# such account, since it holds nothing yet.
at() {
    local said
    said=$(MYSQL_PWD={{ settings.password }} timeout 2 $client --connect-timeout=1 --host="$1" --port={{ settings.replication_port }} --user=failover \
{%- if certificate %}
        --ssl-ca={{ certificate.authority }} --ssl-verify-server-cert \
{%- endif %}
        --execute="$2 SELECT 1 AS answered\G" 2>&1)
    case $said in
    *"answered: 1"*) printf '%s\n' "$said" ;;
    *"ERROR 1045"*) return 2 ;;
    *) return 1 ;;
    esac
}

# A value of an answer: `field NAME ANSWER`.
field() {
    sed -n "s/^ *$1: //p" <<< "$2"
}

# How far a database has come in the primary's log by its state, though it may not have applied all of it. A primary's log
# ends where it is; of a replica Gtid_IO_Pos counts, which may be ahead. One domain is in use, so the last number orders
# all (0-1-42 -> 42); 0 for one that has never held anything. Fails when the state is none.
received() {
    [ -n "$(field read_only "$1")" ] || return 1
    { echo 0-0-0; field place "$1"; field Gtid_IO_Pos "$1"; } | grep -o '\b0-[0-9]*-[0-9]*\b' | sed 's/.*-//' | sort -n | tail -1
}

# SQL that makes a database follow another: `following ADDRESS BEFORE`, with more SQL between stop and change. It may have
# been a primary that another node fenced: what it applies must not wait for a replica's word then.
following() {
    echo "SET GLOBAL rpl_semi_sync_master_enabled = OFF, GLOBAL rpl_semi_sync_slave_enabled = ON; $pardon
        STOP SLAVE; $2 CHANGE MASTER TO MASTER_HOST = '$1', MASTER_PORT = {{ settings.replication_port }},
        MASTER_USER = 'replication', MASTER_PASSWORD = '{{ settings.password }}', MASTER_CONNECT_RETRY = 1,
{%- if certificate %}
        MASTER_SSL = 1, MASTER_SSL_CA = '{{ certificate.authority }}', MASTER_SSL_VERIFY_SERVER_CERT = 1,
{%- endif %}
        MASTER_USE_GTID = slave_pos; START SLAVE;"
}

holds_address() {
    ip -o address show to "$primary_address" | grep -q .
}

# Whether a database's log has a place, by its state: `has 0-1-42 STATE`. Every log has no place at all.
has() {
    local domain writer number own
    [ "$1" ] || return 0
    IFS=- read -r domain writer number <<< "$1"
    own=$(field log "$2" | grep -o "\b0-$writer-[0-9]*" | sed 's/.*-//')
    [ "${own:--1}" -ge "${number:-0}" ]
}

# Whether all is well as far as can be seen without asking: who was given the address is the process that was made the
# primary, anyone else is connected to the primary.
seems_well() {
    local running primary a b c d address
    read -r running < "$lock" || return 1
    if [ -e {{ dir }}/given ]; then
        read -r primary < {{ dir }}/primary && [ "$running" = "$primary" ]
    else
        # As proc(5) writes an established connection to it.
        IFS=. read -r a b c d <<< "$primary_address"
        printf -v address '%02X%02X%02X%02X:%04X' "$d" "$c" "$b" "$a" {{ settings.replication_port }}
        [[ "$(< /proc/net/tcp)" == *" $address 01 "* ]]
    fi
} 2> /dev/null

# Whether every replica that is connected leaves packets unanswered (proc(5): they have been sent three times, or could not
# be sent and were probed for twice), or none is connected, and no other database's node is in reach: it is this node that
# nobody hears.
seems_cut_off() {
    local total=0 lost=0 number own remote status queues timer retries user probes rest port
    printf -v port ':%04X' {{ settings.replication_port }}
    while read -r number own remote status queues timer retries user probes rest; do
        [[ $own == *$port && $status == 01 ]] || continue
        total=$((total + 1)) lost=$((lost + (16#$retries >= 2 || probes >= 2)))
    # As a whole: the shell reads it one letter at a time otherwise, which costs a small node a sixth of its time.
    done <<< "$(< /proc/net/tcp)"
    ((lost == total)) && ! hears_peers
}

# Whether another database's node is in reach, with its database or without.
hears_peers() {
    local peer
    for peer in $peers; do
        reach "$peer"
        [ $? -eq 124 ] || return 0
    done
    return 1
}

say() {
    echo "$(date +%T.%3N) ${0##*/}: $*" >> {{ log }}
}

# One of these scripts at a time; one that the check starts gives way, since the check comes again.
exclusively() {
    exec 9>{{ dir }}/turn.lock
    if [ "$BY_CHECK" ]; then flock --nonblock 9 || exit 0; else flock 9; fi
}
