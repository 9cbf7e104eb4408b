/* gen_stdlib_doc > docs/stdlib.md */
#include "tegula/tegula.h"

#include <stdio.h>

#include "tools/gen_stdlib_doc.h"

int main(void) {
    tg_unwind unwind;
    tg_context *context = NULL;
    tg_context_options options = TG_CONTEXT_OPTIONS_INIT;
    options.cache_dir = "";
    tg_arena *arena = tg_arena_create(&tg_allocator_default, &unwind);
    if (!arena || TG_PROTECT(&unwind) || tg_context_create(&options, &context)) {
        return 1;
    }
    tg_strbuf out;
    tg_strbuf_init(&out, arena);
    bool ok = gen_stdlib_doc(context, &out);
    fputs(ok ? out.data : tg_last_error(context), ok ? stdout : stderr);
    tg_context_destroy(context);
    tg_arena_destroy(arena);
    return !ok;
}
