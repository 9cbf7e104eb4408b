/* Random numbers as the language defines them. See ref.h. */
#include "stdlib/ref/ref.h"

void kphilox_words(uint64_t seed, uint64_t counter, uint32_t words[4]) {
    uint32_t a = (uint32_t)counter, b = (uint32_t)(counter >> 32), e = 0, f = 0;
    uint32_t key0 = (uint32_t)seed, key1 = (uint32_t)(seed >> 32);
    for (int round = 0; round < 10; round++) {
        uint64_t p = (uint64_t)a * 0xD2511F53u, q = (uint64_t)e * 0xCD9E8D57u;
        a = (uint32_t)(q >> 32) ^ b ^ key0;
        b = (uint32_t)q;
        e = (uint32_t)(p >> 32) ^ f ^ key1;
        f = (uint32_t)p;
        key0 += 0x9E3779B9u;
        key1 += 0xBB67AE85u;
    }
    words[0] = a;
    words[1] = b;
    words[2] = e;
    words[3] = f;
}

double kphilox(uint64_t seed, uint64_t counter) {
    uint32_t words[4];
    kphilox_words(seed, counter, words);
    return (words[0] >> 8) * 0x1p-24;
}
