/* See tune_fixture.h. Used by Criterion programs and plain ones. */
#include "tune_fixture.h"

#include <stdio.h>
#include <string.h>

static char shape[32], schedule[32];

static tg_db_key key_of(int i) {
    snprintf(shape, sizeof shape, "M=%d N=%d", i, 2 * i);
    return (tg_db_key){.kernel = "00112233445566778899aabbccddeeff",
                       .device = "x86 avx2 test",
                       .threads = 1 + i % 3,
                       .spec = "T=f32",
                       .shape = shape,
                       .build = "ffeeddccbbaa99887766554433221100"};
}

tg_db_result tune_result(int i) {
    snprintf(schedule, sizeof schedule, "m = %d", 8 * i + 8);
    return (tg_db_result){.key = key_of(i),
                          .name = "gemm \"quoted\"\n\xc3\xa4",
                          .bucket = "M=any",
                          .schedule = schedule,
                          .reason = i % 4 == 3 ? "E0703: too large" : "",
                          .state = i % 4 == 3 ? TG_DB_FAILED : TG_DB_OK,
                          .samples = 10 + i,
                          .median_ns = 1000.25 + i,
                          .low_ns = 999.5 + i,
                          .high_ns = 1001.125 + i,
                          .min_ns = 998 + i,
                          .model_ns = 500 + i,
                          .flops = 1e9 * i,
                          .bytes = 4096.0 * i,
                          .stamp = 1700000000000000 + i};
}

tg_db_winner tune_winner(int i) {
    snprintf(schedule, sizeof schedule, "m = %d", 8 * i + 8);
    return (tg_db_winner){.key = key_of(i),
                          .name = "gemm",
                          .bucket = "M=any",
                          .schedule = schedule,
                          .median_ns = 1000.25 + i,
                          .default_ns = 1500 + i,
                          .budget_s = 2.5,
                          .tried = 7 + i,
                          .deterministic = i % 2,
                          .stamp = 1700000000000000 + i};
}

static bool same(const char *a, const char *b) {
    return strcmp(a, b) == 0;
}

bool tune_is_result(const tg_db_result *r, int i) {
    tg_db_result e = tune_result(i);
    return same(r->key.kernel, e.key.kernel) && same(r->key.device, e.key.device) &&
           r->key.threads == e.key.threads && same(r->key.spec, e.key.spec) &&
           same(r->key.shape, e.key.shape) && same(r->key.build, e.key.build) &&
           same(r->name, e.name) && same(r->bucket, e.bucket) &&
           same(r->schedule, e.schedule) && same(r->reason, e.reason) && r->state == e.state &&
           r->samples == e.samples && r->median_ns == e.median_ns && r->low_ns == e.low_ns &&
           r->high_ns == e.high_ns && r->min_ns == e.min_ns && r->model_ns == e.model_ns &&
           r->flops == e.flops && r->bytes == e.bytes && r->stamp == e.stamp;
}
