{%- if database == "replica" and settings.replication == "galera" -%}
-- All that the founder has ever done came with the copy.
SET @nothing = NULL;
{%- elif database == "replica" -%}
-- The data directory is fresh, so everything the primary has ever done is fetched and applied.
CHANGE MASTER TO
  MASTER_HOST = '{{ primary_address }}',
  MASTER_PORT = {{ settings.replication_port }},
  MASTER_USER = 'replication',
  MASTER_PASSWORD = '{{ settings.password }}',
  MASTER_CONNECT_RETRY = 1,
{%- if certificate %}
  MASTER_SSL = 1,
  MASTER_SSL_CA = '{{ certificate.authority }}',
  MASTER_SSL_VERIFY_SERVER_CERT = 1,
{%- endif %}
  MASTER_USE_GTID = slave_pos;
START SLAVE;
{%- else -%}
-- Accounts and schema reach the replicas by replication.
CREATE USER 'replication'@'%' IDENTIFIED BY '{{ settings.password }}';
GRANT REPLICATION SLAVE ON *.* TO 'replication'@'%';
{%- if settings.failover %}
CREATE USER 'failover'@'%' IDENTIFIED BY '{{ settings.password }}';
GRANT ALL ON *.* TO 'failover'@'%';
{%- endif %}
CREATE USER 'orders'@'%' IDENTIFIED BY '{{ settings.password }}';
source {{ app_dir }}/schema.sql
GRANT SELECT, INSERT, UPDATE, DELETE ON shop.* TO 'orders'@'%';
{%- endif %}
