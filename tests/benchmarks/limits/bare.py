"""A FastAPI application that does nothing: what starting costs at least."""

from fastapi import FastAPI

app = FastAPI()


@app.get("/health/ready")
def ready() -> dict[str, str]:
    return {"status": "ok"}
