// Memory of a network: reserved piece by piece, allocated at once.
#pragma once
#include <cstdint>
#include <cstring>
#include <new>
#include <vector>

#ifdef __SANITIZE_ADDRESS__
#include <sanitizer/asan_interface.h>
#endif

namespace backtalk {

// Memory on cache lines, zeroed, given out piece by piece. For AddressSanitizer there is a gap after each piece,
// which nobody may touch.
template <class T>
class Memory {
public:
    T **reserve(T *&place, int64_t count) {  // the place is filled in by allocate
        wishes_.push_back({&place, used_});
        used_ += (count + 15) / 16 * 16;
        gaps_.push_back(used_);
        used_ += GAP;
        return &place;
    }
    void allocate() {
        release();
        if (used_ < 0 || uint64_t(used_) > SIZE_MAX / sizeof(T) - 64) throw std::bad_alloc();
        data_ = static_cast<T *>(::operator new(used_ * sizeof(T) + 64, LINE));
        std::memset(data_, 0, used_ * sizeof(T) + 64);
        for (const Wish &wish : wishes_) *wish.place = data_ + wish.offset;
        wishes_.clear();
        forbid_gaps(true);
    }
    void restart() {
        used_ = 0;
        gaps_.clear();
    }
    void save(T *copy) const {
        forbid_gaps(false);
        std::memcpy(copy, data_, used_ * sizeof(T));
        forbid_gaps(true);
    }
    void restore(const T *copy) {
        forbid_gaps(false);
        std::memcpy(data_, copy, used_ * sizeof(T));
        forbid_gaps(true);
    }
    T *data() const { return data_; }
    int64_t size() const { return used_; }
    ~Memory() { release(); }
    Memory() = default;
    Memory(const Memory &) = delete;
    Memory &operator=(const Memory &) = delete;

private:
    struct Wish {
        T **place;
        int64_t offset;
    };
    static constexpr std::align_val_t LINE{64};

    void release() {
        ::operator delete(data_, LINE);
        data_ = nullptr;
    }

#ifdef __SANITIZE_ADDRESS__
    static constexpr int64_t GAP = 64;
    void forbid_gaps(bool forbid) const {
        for (int64_t gap : gaps_) {
            if (forbid) ASAN_POISON_MEMORY_REGION(data_ + gap, GAP * sizeof(T));
            else ASAN_UNPOISON_MEMORY_REGION(data_ + gap, GAP * sizeof(T));
        }
    }
#else
    static constexpr int64_t GAP = 0;
    void forbid_gaps(bool) const {}
#endif

    std::vector<Wish> wishes_;
    std::vector<int64_t> gaps_;
    T *data_ = nullptr;
    int64_t used_ = 0;
};

}  // namespace backtalk
