from tests.acceptance.conftest import service

__all__ = ["service"]
