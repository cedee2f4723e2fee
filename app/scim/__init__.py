"""Identity providers manage people and teams by SCIM 2.0."""

import scim2_models as scim

MESSAGES = (scim.ListResponse, scim.PatchOp, scim.PatchOperation, scim.ResponseParameters, scim.SearchRequest)

for message in MESSAGES:
    message.model_config["use_attribute_docstrings"] = False
    """Nobody reads them, and to find them each variant of a message walks over all modules."""
