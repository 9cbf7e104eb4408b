/* stdlib.def as data. Fields that only tests use expand to nothing. */
#include "stdlib/stdlib.h"

#include <string.h>

#define DOC(text)      .doc = text,
#define FLOPS(formula) .flops = formula,
#define BYTES(formula) .bytes = formula,
#define ERROR(class)   .error = class,
#define GRAD(row)      .grad = row,
#define VIA(function)  .via = function,
#define INDEPENDENT    .independent = true,
#define POINTWISE      .pointwise = true,
#define REF(function)
#define PREPARE(function)
#define TYPES(text)
#define FILLS(text)
#define BLOCKS(text)
#define SCHEDULES(text)
#define CASES(...)
#define LITERALS
#define ESTIMATE

const tg_std_info tg_std_table[TG_STD_COUNT] = {
#define KERNEL(NAME, FILE, FIELDS) [TG_STD_##NAME] = {.name = #NAME, .file = #FILE, FIELDS},
#include "stdlib/stdlib.def"
};

tg_std_row tg_std_find(const char *name) {
    for (uint32_t i = 0; name && i < TG_STD_COUNT; i++) {
        if (strcmp(tg_std_table[i].name, name) == 0) {
            return (tg_std_row)i;
        }
    }
    return TG_STD_COUNT;
}

uint32_t tg_stdlib_count(void) {
    return TG_STD_COUNT;
}

tg_status tg_stdlib_describe(uint32_t i, tg_stdlib_info *info) {
    if (!info || i >= TG_STD_COUNT || info->struct_size < sizeof *info) {
        return tg_fail(NULL, TG_ERROR_INVALID_ARGUMENT,
                       !info                 ? "info is null"
                       : i >= TG_STD_COUNT ? "there is no operation %u: the library has %u"
                                             : "info has a wrong struct_size",
                       i, (unsigned)TG_STD_COUNT);
    }
    const tg_std_info *r = &tg_std_table[i];
    *info = (tg_stdlib_info){.struct_size = info->struct_size,
                             .name = r->name,
                             .file = r->file,
                             .summary = r->doc,
                             .flops = r->flops,
                             .bytes = r->bytes,
                             .error_class = r->error,
                             .gradient = r->grad};
    return TG_OK;
}
