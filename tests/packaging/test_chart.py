"""The chart as Helm renders it, against the API schemas of the oldest and the newest Kubernetes it is for."""

import tomllib
from itertools import product
from pathlib import Path
from typing import Any

import pytest
import yaml
from starlette.routing import Route

from app.core.operations import ASSETS
from app.main import ROUTERS
from app.pages.api import router as pages
from app.scim.api import PREFIX as SCIM

helm = pytest.importorskip("helm_python", reason="helm_python is not installed: pip install helm-python-sdk")
kubernetes_validate = pytest.importorskip(
    "kubernetes_validate", reason="kubernetes-validate is not installed"
)

REPOSITORY = Path(__file__).parents[2]
CHART = REPOSITORY / "helm" / "betrokken"

Manifest = dict[str, Any]

OPTIONS = {
    "ingress": {"enabled": True, "host": "betrokken.example", "className": "nginx", "tlsSecret": "tls"},
    "serviceMonitor": {"enabled": True, "labels": {"release": "prometheus"}},
    "podDisruptionBudget": {"enabled": True},
    "serviceAccount": {"create": False, "name": "given"},
}
PLACEMENT = {
    "imagePullSecrets": [{"name": "registry"}],
    "podAnnotations": {"team": "people"},
    "nodeSelector": {"disk": "ssd"},
    "tolerations": [{"key": "dedicated", "operator": "Exists"}],
    "affinity": {"podAntiAffinity": {}},
}


def render(**values: Any) -> list[Manifest]:
    with helm.Chart.load(CHART) as chart:
        merged = {"existingSecret": "betrokken-secrets", **values}
        chart.validate_schema(chart.merge_values(merged))
        rendered = chart.render(merged, name="demo", namespace="people")
    texts = [text for path, text in sorted(rendered.items()) if path.endswith(".yaml")]
    return [manifest for text in texts for manifest in yaml.safe_load_all(text) if manifest]


def of_kind(kind: str, manifests: list[Manifest]) -> Manifest:
    [found] = [manifest for manifest in manifests if manifest["kind"] == kind]
    return found


def pod_specs(manifests: list[Manifest]) -> dict[str, Manifest]:
    return {m["kind"]: m["spec"]["template"]["spec"] for m in manifests if m["kind"] in ("Deployment", "Job")}


def combinations() -> list[dict[str, Any]]:
    chosen = product([False, True], repeat=len(OPTIONS))
    each = [
        {name: value for (name, value), wanted in zip(OPTIONS.items(), row, strict=True) if wanted}
        for row in chosen
    ]
    return [*each, {**OPTIONS, **PLACEMENT, "env": {"BETROKKEN_LOG_LEVEL": "DEBUG"}}]


@pytest.mark.parametrize("version", ["1.25.0", "1.37.0"])
def test_every_combination_of_options_is_valid_kubernetes(version: str) -> None:
    for values in combinations():
        for manifest in render(**values):
            if manifest["kind"] != "ServiceMonitor":  # not an API of Kubernetes itself
                kubernetes_validate.validate(manifest, version, strict=True)


def test_helm_finds_nothing_to_warn_of() -> None:
    report = helm.lint(CHART, {"existingSecret": "betrokken-secrets"}, strict=True)
    assert report["errors"] == []
    assert [message for message in report["messages"] if message["severity"] >= 2] == []


@pytest.mark.parametrize("values", combinations(), ids=lambda values: "+".join(values) or "defaults")
def test_no_container_runs_as_root_or_unconfined_or_unwatched(values: dict[str, Any]) -> None:
    specs = pod_specs(render(**values))
    assert set(specs) == {"Deployment", "Job"}
    for kind, spec in specs.items():
        assert spec["automountServiceAccountToken"] is False
        assert spec["securityContext"] == {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}
        for container in spec["containers"]:
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }
            assert container["resources"]["limits"]["memory"]
            probes = {
                name: container[name]["httpGet"]["path"] for name in container if name.endswith("Probe")
            }
            assert (
                probes
                == {
                    "Job": {},  # it ends by itself, or at its deadline
                    "Deployment": {
                        "startupProbe": "/health/live",
                        "livenessProbe": "/health/live",
                        "readinessProbe": "/health/ready",
                    },
                }[kind]
            )


def test_image_and_replicas_are_what_the_values_say() -> None:
    manifests = render(image={"repository": "registry.example/betrokken", "tag": "9.9"}, replicaCount=5)
    assert of_kind("Deployment", manifests)["spec"]["replicas"] == 5
    images = {
        container["image"] for spec in pod_specs(manifests).values() for container in spec["containers"]
    }
    assert images == {"registry.example/betrokken:9.9"}


def test_the_default_image_is_of_this_release() -> None:
    version = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]["version"]
    [container] = pod_specs(render())["Deployment"]["containers"]
    assert container["image"] == f"betrokken:{version}"


def test_secrets_come_from_the_named_secret_and_nowhere_else() -> None:
    manifests = render(existingSecret="from-the-vault", env={"BETROKKEN_LOG_LEVEL": "DEBUG"})
    assert "Secret" not in {manifest["kind"] for manifest in manifests}
    for spec in pod_specs(manifests).values():
        [container] = spec["containers"]
        environment = {variable["name"]: variable for variable in container["env"]}
        for name in ("DATABASE_URL", "BETROKKEN_PSEUDONYM_SECRET"):
            reference = {"name": "from-the-vault", "key": name}
            assert environment[name] == {"name": name, "valueFrom": {"secretKeyRef": reference}}
        assert environment["BETROKKEN_LOG_LEVEL"]["value"] == "DEBUG"


def test_without_a_secret_it_says_which_to_name() -> None:
    with pytest.raises(
        helm.HelmError, match="existingSecret is empty: name the Secret that holds DATABASE_URL"
    ):
        render(existingSecret="")


@pytest.mark.parametrize(
    "values",
    [
        {"replicas": 3},
        {"replicaCount": -1},
        {"image": {"repository": ""}},
        {"env": {"DATABASE_URL": "postgresql://in-plain-sight"}},
        {"env": {"BETROKKEN_WORKERS": 2}},
        {"ingress": {"enabled": True, "host": "betrokken.example", "paths": []}},
    ],
    ids=str,
)
def test_values_that_would_do_nothing_or_harm_are_refused(values: dict[str, Any]) -> None:
    with pytest.raises(helm.HelmError):
        render(**values)


def test_the_migration_comes_before_the_release_and_needs_nothing_of_it() -> None:
    job = of_kind("Job", render())
    assert job["metadata"]["annotations"]["helm.sh/hook"] == "pre-install,pre-upgrade"
    spec = job["spec"]["template"]["spec"]
    assert spec["containers"][0]["args"] == ["migrate"]
    assert "serviceAccountName" not in spec


def test_service_budget_and_monitor_find_the_server_and_not_the_migration() -> None:
    manifests = render(**OPTIONS)
    server = of_kind("Deployment", manifests)["spec"]["template"]["metadata"]["labels"]
    migration = of_kind("Job", manifests)["spec"]["template"]["metadata"]["labels"]
    service = of_kind("Service", manifests)
    monitor = of_kind("ServiceMonitor", manifests)["spec"]
    for selector in (
        service["spec"]["selector"],
        of_kind("PodDisruptionBudget", manifests)["spec"]["selector"]["matchLabels"],
        of_kind("Deployment", manifests)["spec"]["selector"]["matchLabels"],
    ):
        assert selector.items() <= server.items()
        assert not selector.items() <= migration.items()
    assert monitor["selector"]["matchLabels"].items() <= service["metadata"]["labels"].items()
    assert monitor["endpoints"][0]["port"] == service["spec"]["ports"][0]["name"]


@pytest.mark.parametrize(
    ("values", "address"),
    [
        ({"ingress": OPTIONS["ingress"]}, "https://betrokken.example"),
        ({"ingress": {"enabled": True, "host": "betrokken.example"}}, "http://betrokken.example"),
        (
            {"ingress": OPTIONS["ingress"], "env": {"BETROKKEN_PUBLIC_URL": "https://hr.example"}},
            "https://hr.example",
        ),
        ({}, None),
    ],
    ids=str,
)
def test_mails_lead_to_the_host_of_the_ingress(values: dict[str, Any], address: str | None) -> None:
    for spec in pod_specs(render(**values)).values():
        given = [one for one in spec["containers"][0]["env"] if one["name"] == "BETROKKEN_PUBLIC_URL"]
        assert [one["value"] for one in given] == ([address] if address else [])


def test_all_is_published_but_telemetry_and_health() -> None:
    ingress = of_kind("Ingress", render(ingress=OPTIONS["ingress"]))
    [rule] = ingress["spec"]["rules"]
    paths = [path["path"] for path in rule["http"]["paths"]]
    kinds = {path["path"]: path["pathType"] for path in rule["http"]["paths"]}
    assert {path for path, kind in kinds.items() if kind != "Prefix"} == {"/"}, "not all that is below it"
    assert kinds["/"] == "Exact"
    routes = [
        route.path for router in (*ROUTERS, pages) for route in router.routes if isinstance(route, Route)
    ]
    served = {"/" + path.split("/")[1] for path in (*routes, SCIM, ASSETS)}
    assert {"/", "/v1", "/respond", "/setup", "/sign-in", "/pages"} < served
    assert set(paths) == served - {"/metrics", "/health"}
    assert ingress["spec"]["tls"] == [{"hosts": ["betrokken.example"], "secretName": "tls"}]
