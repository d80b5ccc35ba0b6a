"""Thin routers: parse, one call of the service, a typed answer."""
