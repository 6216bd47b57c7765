"""The contract on a registry that Vertex AI shows."""

import pytest
from cloud_registry_site import CloudPlace
from loopback.gcs import CloudStorageServer
from registry_contract import RegistryContract
from registry_place import Place
from vertex_registry_site import VertexSite


class TestVertexRegistryContract(RegistryContract):
    @pytest.fixture
    def place(self, cloud: CloudStorageServer, site: VertexSite) -> Place:
        return CloudPlace(cloud, site.open)
