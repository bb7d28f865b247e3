{%- if database == "replica" -%}
-- The data directory is fresh, so everything the primary has ever done is fetched and applied.
CHANGE MASTER TO
  MASTER_HOST = '{{ primary.address }}',
  MASTER_PORT = {{ settings.replication_port }},
  MASTER_USER = 'replication',
  MASTER_PASSWORD = '{{ settings.password }}',
  MASTER_CONNECT_RETRY = 1,
  MASTER_USE_GTID = slave_pos;
START SLAVE;
{%- else -%}
-- Accounts and schema reach the replicas by replication.
CREATE USER 'replication'@'%' IDENTIFIED BY '{{ settings.password }}';
GRANT REPLICATION SLAVE ON *.* TO 'replication'@'%';
CREATE USER 'orders'@'%' IDENTIFIED BY '{{ settings.password }}';
source {{ app_dir }}/schema.sql
GRANT SELECT, INSERT, UPDATE, DELETE ON shop.* TO 'orders'@'%';
{%- endif %}
