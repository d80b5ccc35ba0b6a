"""Who may import whom: `app | worker → routes → services → models → config`, and bagmill none of them."""

import pytest

from tests.support.sources import imports_of, module_name, python_files

OWN = {
    "app",
    "worker",
    "config",
    "bootstrap",
    "models",
    "routes",
    "services",
    "bagmill",
    "tests",
    "benchmarks",
}
SEEN_OF_BAGMILL = {
    "bagmill.dataset.capabilities",
    "bagmill.dataset.spec",
    "bagmill.errors",
    "bagmill.faults",
    "bagmill.options",
    "bagmill.probe",
    "bagmill.report",
    "bagmill.suggestions",
    "bagmill.__version__",
}
RULES: dict[str, set[str]] = {
    "bootstrap": set(),
    "config": set(),
    "bagmill": {"bagmill"},
    "models": {"models", "config"},
    "services": {"services", "models", "config"} | SEEN_OF_BAGMILL,
    "services.steps": {"services", "models", "config", "bagmill"},
    "services.executors.entry": {"services", "models", "config", "bagmill"},
    "services.looks.entry": {"services", "models", "config", "bagmill"},
    "services.looks.tasks": {"services", "models", "config", "bagmill"},
    "services.demo": {"services", "models", "config", "bagmill.sample"}
    | SEEN_OF_BAGMILL,  # it makes a user's recording
    "routes": {"routes", "services", "models", "config"} | SEEN_OF_BAGMILL,
    "app": {"routes", "services", "models", "config"} | SEEN_OF_BAGMILL,
    "worker": {"services", "models", "config"} | SEEN_OF_BAGMILL,
}
"""Module or package → what it may import. The longest name that fits counts."""


def within(name: str, package: str) -> bool:
    return name == package or name.startswith(package + ".")


def allowed(module: str, imported: str) -> bool:
    """Whether the rules let `module` import `imported`."""
    rule = max((name for name in RULES if within(module, name)), key=len)
    return any(within(imported, package) for package in RULES[rule])


def test_nothing_is_imported_upwards() -> None:
    wrong = [
        f"{path}:{line}: {module_name(path)} imports {name}"
        for path in python_files(*[f"{name}.py" for name in RULES], *RULES)
        for line, name in imports_of(path)
        if name.split(".")[0] in OWN and not allowed(module_name(path), name)
    ]

    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize(
    ("module", "imported", "answer"),
    [
        ("routes.workflows", "services.workflow_service.WorkflowService", True),
        ("services.workflow_service", "routes.errors", False),
        ("services.queue_service", "bagmill.errors.BagmillError", True),
        ("services.queue_service", "bagmill.convert.convert", False),
        ("services.steps.convert", "bagmill.convert.convert", True),
        ("services.executors.local", "bagmill.convert", False),
        ("bagmill.convert", "models.workflow", False),
        ("models.workflow", "services.errors", False),
        ("worker", "routes.errors", False),
    ],
)
def test_the_rules_say_what_they_should(module: str, imported: str, answer: bool) -> None:
    assert allowed(module, imported) is answer


def test_services_do_not_import_the_web_framework() -> None:
    wrong = [
        f"{path}:{line}: {name}"
        for path in python_files("services", "models", "bagmill")
        for line, name in imports_of(path)
        if name.split(".")[0] in {"fastapi", "starlette"}
    ]

    assert not wrong, "\n".join(wrong)
