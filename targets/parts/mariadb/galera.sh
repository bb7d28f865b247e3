#!/bin/bash
# Starts this member of the Galera cluster: as its founder once, as one that joins ever after, from where InnoDB says that it
# was (as galera_recovery does), so that it is sent what it missed and not everything.
options=--defaults-file={{ dir }}/my.cnf
# How a copy is sent: the distribution's script, which waits for 10 s in its middle, though the other end is there sooner.
sed 's/^\( *\)sleep 10$/\1sleep 1.5/' /usr/bin/wsrep_sst_mariabackup > {{ dir }}/wsrep_sst_copy
chmod +x {{ dir }}/wsrep_sst_copy
ln -sf /usr/bin/wsrep_sst_common {{ dir }}/wsrep_sst_common
export PATH=$PATH:{{ dir }}
rm -f {{ dir }}/state
if [ -e {{ dir }}/data/grastate.dat ]; then
    place=$(/usr/sbin/mariadbd $options --wsrep-recover --log-error={{ dir }}/recovery.log > /dev/null 2>&1
        sed -n 's/.*WSREP: Recovered position: *//p' {{ dir }}/recovery.log | tail -1)
    rm -f {{ dir }}/recovery.log
    exec /usr/sbin/mariadbd $options ${place:+--wsrep-start-position=$place}
fi
{%- if database == "primary" %}
exec /usr/sbin/mariadbd $options --wsrep-new-cluster
{%- else %}
# Two that meet before there is a cluster would wait for one another.
for _ in $(seq 200); do
    (: < /dev/tcp/{{ primary.address }}/4567) 2> /dev/null && break
    sleep 0.1
done
exec /usr/sbin/mariadbd $options
{%- endif %}
