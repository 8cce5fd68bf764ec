"""Calls Zoho Flow: one module for each area of its interface, `client` puts them together."""

from monitor.zoho.flow.client import FlowClient

__all__ = ["FlowClient"]
