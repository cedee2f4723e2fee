"""The pictures of the README, drawn of the demo: `make pictures`."""

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from pydantic import SecretStr
from rich.progress import Progress

from app.core import migrations
from app.core.settings import Settings
from app.demo import service as demo
from app.embedded.server import embedded_postgres
from app.main import create_app
from tests.conftest import SECRET, client_for

FOLDER = Path(__file__).parents[1] / "openapi" / "guides" / "pictures"
CHARTS = ("quadrants", "levers")
THEMES = ("light", "dark")


async def draw(folder: Path, url: str) -> None:
    settings = Settings(
        data_dir=folder, pseudonym_secret=SecretStr(SECRET), mails_are_files=True, worker_enabled=False
    )
    app = create_app(settings, url)
    async with app.router.lifespan_context(app):
        await migrations.migrate(app.state.database)
        await demo.fill_once(app.state.database, settings, datetime.now(UTC), Progress())
        client = client_for(app, await demo.working_key(app.state.database, folder / demo.KEY_FILE))
        for name in CHARTS:
            for theme in THEMES:
                params = {"format": "svg", "theme": theme, "width": 640}
                drawn = await client.get(
                    f"/v1/charts/{name}", params=params, headers={"Accept-Language": "en"}
                )
                FOLDER.joinpath(f"{name}-{theme}.svg").write_text(drawn.text + "\n", encoding="utf-8")


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    with TemporaryDirectory() as made:
        folder = Path(made)
        with embedded_postgres(folder / "postgres", durable=False) as url:
            asyncio.run(draw(folder, url))


if __name__ == "__main__":
    main()
