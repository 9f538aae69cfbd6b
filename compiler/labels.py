"""CHECK, the part about labels: the functions that make lists of them, under a policy for what is uncertain or not mentioned."""

from __future__ import annotations

from cxrspec.compiler import syntax as s
from cxrspec.compiler.causes import cause_of
from cxrspec.compiler.checking import Checking
from cxrspec.compiler.declarations import Policy
from cxrspec.compiler.diagnostics import Label, near, respell
from cxrspec.compiler.functions import TEXTS
from cxrspec.compiler.scopes import Scope
from cxrspec.compiler.typed import Apply, Branch, Const, Typed
from cxrspec.compiler.types import BOOL, UNKNOWN, LabelsOf, Unknown, is_nullable, nullable, present

# The state of a label that each function counts by itself, without a policy: the letters of `Labels.states`.
CERTAIN = {"positive": "1", "negative": "0"}


class Labels(Checking):
    """Types `names`, `positive` and `negative`."""

    def labels(self, e: s.Call, scope: Scope) -> Typed:
        """A list of names; null for labels that are null."""
        labels = self.check(e.arguments[0], scope)
        policy = self.policy(e.function, e.arguments[1], scope) if len(e.arguments) == 2 else None
        type = present(labels.type)
        if not isinstance(type, LabelsOf):
            if not isinstance(type, Unknown):
                message = f"`{e.function}` asks for labels, found `{labels.type}`"
                self.report.error("CXR304", e.arguments[0].span, message, cause=cause_of(labels, scope))
            return Apply(e.function, (), UNKNOWN)
        result = nullable(TEXTS) if is_nullable(labels.type) else TEXTS
        if e.function == "names":
            names = Const(type.names, TEXTS)
            if result == TEXTS:
                return names
            there = Apply("is not null", (labels,), BOOL)
            return Branch(there, names, Apply("null", (), result), result)
        if policy is None:
            return Apply(e.function, (), UNKNOWN)
        self.known(policy, type, e)
        states = tuple(self.states(e.function, policy, name) for name in type.names)
        return Apply(e.function, (labels, Const(states, TEXTS)), result)

    @staticmethod
    def states(function: str, policy: Policy, label: str) -> str:
        """The states of a label that the function counts: 1 and 0 as they are, u for uncertain, n for not mentioned."""
        uncertain = "u" if policy.uncertain.of(label) == function else ""
        not_mentioned = "n" if policy.not_mentioned.of(label) == function else ""
        return CERTAIN[function] + uncertain + not_mentioned

    def policy(self, function: str, e: s.Expr, scope: Scope) -> Policy | None:
        """The policy that a constant is; None after a finding."""
        binding = scope.names.get(e.name) if isinstance(e, s.Name) else None
        if binding is not None and binding.policy is not None:
            return binding.policy
        if isinstance(e, s.Name) and binding is None:
            policies = [name for name, one in scope.names.items() if one.policy is not None]
            help, fix = near(e.name, policies, "policies"), respell(e.span, e.name, policies)
            self.report.error("CXR203", e.span, f"unknown name `{e.name}`", label="not a policy", help=help, fix=fix)
            return None
        found = f"found `{binding.value.type}`" if binding is not None else "an expression is none"
        help = "a constant: `policy: {uncertain: skip, not_mentioned: negative}`; an `if` stands around the whole call"
        self.report.error("CXR316", e.span, f"`{function}` asks for the name of a policy, {found}", help=help)
        return None

    def known(self, policy: Policy, labels: LabelsOf, e: s.Call) -> None:
        """A finding for each name of the policy that is none of the labels."""
        for name, _ in (*policy.uncertain.named, *policy.not_mentioned.named):
            if name.name not in labels.names:
                others = (Label(e.span, "the labels that it is used for"),) if e.span else ()
                help, fix = near(name.name, labels.names, "labels"), respell(name.span, name.name, labels.names)
                self.report.error(
                    "CXR217", name.span, f"unknown label `{name.name}`", others=others, help=help, fix=fix
                )
