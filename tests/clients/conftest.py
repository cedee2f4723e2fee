from tests.acceptance.conftest import served, service

__all__ = ["served", "service"]
