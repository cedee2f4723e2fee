from app.core.schema import Schema


class OidcSignIn(Schema):
    issuer: str
    client_id: str
    authorization_endpoint: str
    token_endpoint: str
    end_session_endpoint: str | None
    parameters: dict[str, str]


class SignIn(Schema):
    oidc: OidcSignIn | None
