/** Functions of PostgreSQL that only compute: they change nothing, read no files and run no text as SQL. */

/** By their names in pg_catalog. What is not here is unknown, and an allow rule has to name it. */
export const PURE_FUNCTIONS: ReadonlySet<string> = new Set(
  [
    // Aggregates and windows
    "count sum avg min max array_agg string_agg json_agg jsonb_agg json_object_agg jsonb_object_agg xmlagg bool_and bool_or every",
    "bit_and bit_or bit_xor any_value stddev stddev_pop stddev_samp variance var_pop var_samp corr covar_pop covar_samp mode",
    "regr_avgx regr_avgy regr_count regr_intercept regr_r2 regr_slope regr_sxx regr_sxy regr_syy percentile_cont percentile_disc",
    "row_number rank dense_rank percent_rank cume_dist ntile lag lead first_value last_value nth_value range_agg",
    "range_intersect_agg json_arrayagg json_objectagg json_agg_strict jsonb_agg_strict",
    // Numbers
    "abs ceil ceiling floor round trunc sign sqrt cbrt exp ln log log10 power pow mod div gcd lcm factorial degrees radians pi",
    "sin cos tan cot asin acos atan atan2 sinh cosh tanh asinh acosh atanh sind cosd tand cotd asind acosd atand atan2d erf erfc",
    "greatest least width_bucket scale min_scale trim_scale random random_normal numeric int4 int8 int2 float4 float8 bit_count",
    // Text and bytes
    "lower upper initcap length char_length character_length octet_length bit_length ltrim rtrim btrim trim lpad rpad left right",
    "substr substring position strpos overlay replace translate repeat reverse split_part concat concat_ws format quote_ident",
    "quote_literal quote_nullable ascii chr md5 sha224 sha256 sha384 sha512 encode decode to_hex to_bin to_oct starts_with",
    "string_to_array array_to_string string_to_table regexp_match regexp_matches regexp_replace regexp_split_to_array",
    "regexp_split_to_table regexp_count regexp_instr regexp_like regexp_substr similar_to_escape like_escape unistr normalize",
    "is_normalized to_ascii to_char to_number text varchar bpchar name convert convert_from convert_to get_bit get_byte set_bit",
    "set_byte casefold crc32 crc32c unicode_assigned like notlike textlike textnotlike bytea",
    // Dates and times
    "now current_date current_time current_timestamp localtime localtimestamp clock_timestamp statement_timestamp",
    "transaction_timestamp timeofday age date_part date_trunc date_bin date_add date_subtract extract timezone overlaps isfinite",
    "justify_days justify_hours justify_interval make_date make_time make_timestamp make_timestamptz make_interval to_date",
    "to_timestamp timestamp timestamptz date time timetz interval",
    // JSON, arrays, ranges, XML values, enums and rows
    "to_json to_jsonb row_to_json array_to_json json_build_array json_build_object jsonb_build_array jsonb_build_object json_object",
    "jsonb_object json_array_elements jsonb_array_elements json_array_elements_text jsonb_array_elements_text json_array_length",
    "jsonb_array_length json_each jsonb_each json_each_text jsonb_each_text json_extract_path jsonb_extract_path",
    "json_extract_path_text jsonb_extract_path_text json_object_keys jsonb_object_keys json_populate_record jsonb_populate_record",
    "json_populate_recordset jsonb_populate_recordset json_to_record jsonb_to_record json_to_recordset jsonb_to_recordset",
    "json_strip_nulls jsonb_strip_nulls jsonb_set jsonb_set_lax jsonb_insert jsonb_path_exists jsonb_path_match jsonb_path_query",
    "jsonb_path_query_array jsonb_path_query_first jsonb_path_exists_tz jsonb_path_match_tz jsonb_path_query_tz jsonb_pretty",
    "jsonb_path_query_array_tz jsonb_path_query_first_tz json_typeof jsonb_typeof json_scalar json_serialize json",
    "unnest array_append array_cat array_dims array_fill array_length array_lower array_ndims array_position array_positions",
    "array_prepend array_remove array_replace array_sample array_shuffle array_upper array_reverse array_sort cardinality",
    "trim_array generate_series generate_subscripts isempty lower_inc upper_inc lower_inf upper_inf range_merge multirange int4range",
    "int8range numrange tsrange tstzrange daterange int4multirange int8multirange nummultirange tsmultirange tstzmultirange",
    "datemultirange enum_first enum_last enum_range num_nonnulls num_nulls xmlcomment xmlconcat xpath xpath_exists xml_is_well_formed",
    // Search, network addresses, geometry, identifiers
    "to_tsvector to_tsquery plainto_tsquery phraseto_tsquery websearch_to_tsquery ts_rank ts_rank_cd ts_headline numnode querytree",
    "setweight strip tsvector_to_array array_to_tsvector tsquery_phrase ts_delete ts_filter abbrev broadcast family host hostmask",
    "inet_merge inet_same_family masklen netmask network set_masklen area center diameter height width radius npoints box circle",
    "line lseg path point polygon gen_random_uuid bernoulli system uuidv4 uuidv7 uuid_extract_timestamp uuid_extract_version",
    // What the session and the catalogue are
    "current_user session_user current_role user current_catalog current_schema current_schemas current_database version",
    "pg_typeof format_type pg_size_pretty pg_size_bytes pg_column_size pg_relation_size pg_table_size pg_indexes_size",
    "pg_total_relation_size pg_database_size pg_get_viewdef pg_get_indexdef pg_get_constraintdef pg_get_expr obj_description",
    "col_description shobj_description to_regclass to_regtype pg_collation_for has_table_privilege has_schema_privilege",
    "has_column_privilege has_database_privilege pg_backend_pid pg_is_in_recovery pg_postmaster_start_time",
  ].flatMap((line) => line.split(" ")),
);

/** Functions, in pg_catalog or in well-known extensions, that run a text as SQL: what a call of them does is not known. */
export const RUNS_SQL: ReadonlySet<string> = new Set(
  [
    "query_to_xml query_to_xmlschema query_to_xml_and_xmlschema cursor_to_xml cursor_to_xmlschema ts_stat ts_rewrite",
    "dblink dblink_exec dblink_open dblink_send_query crosstab crosstab2 crosstab3 crosstab4 connectby xpath_table",
  ].flatMap((line) => line.split(" ")),
);
