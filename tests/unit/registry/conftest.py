from cloud_registry_fixtures import cloud, making, site

__all__ = ["cloud", "making", "site"]
