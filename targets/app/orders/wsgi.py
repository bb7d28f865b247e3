"""What gunicorn loads: `orders.wsgi:application`. The settings are documented in orders/settings.py."""

from functools import partial

from orders import settings as environment
from orders.driver import Connection
from orders.pool import Pool
from orders.service import Service
from orders.store import Store


def build(settings):
    """The service with its pools. No connection is made before the first request needs one."""

    def pool(role, address):
        name = "%s %s:%d" % (role, address.host, address.port)
        connect = partial(Connection, address, settings)
        return Pool(
            name,
            connect,
            size=settings.pool_size,
            wait=settings.pool_timeout,
            silent_for=settings.silent_for,
            refused_for=settings.refused_for,
        )

    replica = pool("replica", settings.replica) if settings.replica else None
    store = Store(pool("primary", settings.primary), replica, settings.request_timeout)
    return Service(store, settings.node, settings.threads)


application = build(environment.read())
