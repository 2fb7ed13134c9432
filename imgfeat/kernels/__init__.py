"""The ground floor: arrays -> arrays. No estimator, no validation, no state."""
