"""Recurrent networks for time series, as pleasant as scikit-learn and as fast as the machine allows."""
