"""
Onboarding of message types: proves that a type's folder holds what it promises.

Knows files, XSDs and the one function that judges; knows no broker, and writes nothing (the command line does).
"""

from nsw.onboarding.checking import Surroundings, check_folders
from nsw.onboarding.scaffold import NewType, Plan, plan_type
from nsw.problems import Problem

__all__ = ["NewType", "Plan", "Problem", "Surroundings", "check_folders", "plan_type"]
