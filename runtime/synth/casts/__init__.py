"""Patients and images that several made-up sources share: one module a cast."""
