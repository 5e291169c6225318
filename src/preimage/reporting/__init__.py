"""Results as pictures, sidecar files, tables and pages."""
