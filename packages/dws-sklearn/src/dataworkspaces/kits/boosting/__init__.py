"""What autolog sees of libraries for gradient boosting: XGBoost and LightGBM. Neither is imported here."""
