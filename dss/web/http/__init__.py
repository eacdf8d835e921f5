"""The kit that every protocol is written with: declared operations, bodies, errors, paging, the OpenAPI document."""
