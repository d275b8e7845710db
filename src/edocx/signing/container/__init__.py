"""Signed containers: files and signatures beside each other in one zip (ASiC, EN 319 162-1)."""
