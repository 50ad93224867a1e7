"""Energy supply: stations, charging physics, tariffs, sizing, siting and coverage."""
