/* libFuzzer entry: signatures as stored with compiled kernels. Any bytes give a signature or none; one that reads
 * survives every launch that can be made of it, and writing it reads back as the same bytes. */
#include "base/hash.h"
#include "tests/fuzz/fuzz_memory.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(tg_arena *arena, const uint8_t *data, size_t size) {
    const tg_signature *sig = tg_signature_read(arena, data, size);
    if (!sig) {
        return;
    }
    tg_strbuf first, second;
    tg_strbuf_init(&first, arena);
    tg_strbuf_init(&second, arena);
    tg_signature_write(sig, &first);
    const tg_signature *again = tg_signature_read(arena, first.data, first.len);
    if (!again) {
        abort();
    }
    tg_signature_write(again, &second);
    if (first.len != second.len || memcmp(first.data, second.data, first.len) != 0) {
        abort();
    }
    fuzz_launch(again, tg_hash_u64(data, size));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    fuzz_memory memory;
    fuzz_memory_init(&memory, (size_t)64 << 20);
    tg_unwind unwind;
    tg_arena *arena = tg_arena_create(&memory.allocator, &unwind);
    if (arena && !TG_PROTECT(&unwind)) {
        check(arena, data, size);
    }
    tg_arena_destroy(arena);
    return 0;
}
