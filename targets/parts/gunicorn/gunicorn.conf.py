"""gunicorn's settings. The application's own are in its environment."""

import os

wsgi_app = "orders.wsgi:application"
bind = "{{ settings.application_listen }}:{{ settings.application_port }}"
{%- if certificate %}
certfile = "{{ certificate.chain }}"
keyfile = "{{ certificate.key }}"
{%- endif %}
backlog = 1024
pidfile = None

# One process with threads: the node has a fraction of a core, and what is waited for is the database. Separate
# processes would cost more memory, and each would find out by itself that a database is down.
worker_class = "graceful_worker.Worker"
workers = 1
threads = int(os.environ["APP_THREADS"])
# More connections than these wait in the listening socket's queue.
worker_connections = 256
# Imported once, so that a worker that died is replaced without compiling anything. Nothing connects at import.
# What is imported once stays what it is: for a deploy by reload (HUP) each worker has to import by itself.
preload_app = {{ "True" if settings.preload else "False" }}

# Seconds. A worker whose main loop is silent for this long is replaced; requests have timeouts of their own.
timeout = 30
graceful_timeout = 3
# nginx keeps idle connections for 60 s, so it closes first.
keepalive = 75

# The worker tells that it is alive through a file, which must not be on a disk.
worker_tmp_dir = "{{ dir }}"
errorlog = "-"
accesslog = None
loglevel = "warning"
