// What an x86 processor has, and the system lets programs use. Not __builtin_cpu_supports, whose library clang-cl does
// not link.
#pragma once
#include <cpuid.h>

#include <cstdint>

namespace backtalk {

class Processor {
public:
    Processor() {
        const Leaf one = leaf(1), seven = leaf(7), extended = leaf(0x80000001);
        const uint64_t saved = bit(one.c, 27) ? registers_saved() : 0;
        v2_ = bit(one.c, 0) && bit(one.c, 9) && bit(one.c, 13) && bit(one.c, 19) && bit(one.c, 20) && bit(one.c, 23) &&
              bit(extended.c, 0);  // SSE3, SSSE3, CMPXCHG16B, SSE4.1, SSE4.2, POPCNT; LAHF
        v3_ = v2_ && (saved & AVX) == AVX && bit(one.c, 12) && bit(one.c, 22) && bit(one.c, 28) && bit(one.c, 29) &&
              bit(seven.b, 3) && bit(seven.b, 5) && bit(seven.b, 8) &&
              bit(extended.c, 5);  // FMA, MOVBE, AVX, F16C; BMI1, AVX2, BMI2; LZCNT
        v4_ = v3_ && (saved & AVX512) == AVX512 && bit(seven.b, 16) && bit(seven.b, 17) && bit(seven.b, 28) &&
              bit(seven.b, 30) && bit(seven.b, 31);  // AVX512F, DQ, CD, BW, VL
    }
    bool has_v2() const { return v2_; }
    bool has_v3() const { return v3_; }
    bool has_v4() const { return v4_; }

private:
    struct Leaf {
        unsigned a = 0, b = 0, c = 0, d = 0;
    };
    static constexpr uint64_t AVX = 0x6;  // XMM and the upper halves of YMM
#ifdef __APPLE__
    static constexpr uint64_t AVX512 = AVX;  // macOS saves the others from their first use on, and says so only then
#else
    static constexpr uint64_t AVX512 = 0xE6;  // and masks, the upper halves of ZMM, and ZMM16 to ZMM31
#endif

    static bool bit(unsigned word, int place) { return word >> place & 1; }
    static Leaf leaf(unsigned number) {
        Leaf found;
        __get_cpuid_count(number, 0, &found.a, &found.b, &found.c, &found.d);
        return found;
    }
    static uint64_t registers_saved() {
        uint32_t low, high;
        asm("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
        return uint64_t(high) << 32 | low;
    }

    bool v2_, v3_, v4_;
};

}  // namespace backtalk
