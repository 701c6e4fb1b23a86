// An independent check of an exported access log, over x/mod/sumdb: the original implementation of this kind
// of log, in another language, sharing no code with Hedui.
//
//	verifier FOLDER VKEY [WITNESS-VKEY...]
//
// exit 0: every entry is in the log that VKEY signed, and each witness cosigned it; exit 1: says what is not
package main

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

func fail(format string, values ...interface{}) {
	fmt.Printf(format+"\n", values...)
	os.Exit(1)
}

// path of a tile in the C2SP layout: x/mod spells tiles "tile/8/LEVEL/INDEX".
func path(level string, index int64, width int) string {
	text := fmt.Sprintf("%03d", index%1000)
	for index /= 1000; index > 0; index /= 1000 {
		text = fmt.Sprintf("x%03d/%s", index%1000, text)
	}
	if width < 256 {
		text += fmt.Sprintf(".p/%d", width)
	}
	return filepath.Join("tile", level, text)
}

// stored is the tree that is built from the entries, in the order in which x/mod stores hashes.
type stored []tlog.Hash

func (s stored) ReadHashes(indexes []int64) ([]tlog.Hash, error) {
	hashes := make([]tlog.Hash, len(indexes))
	for i, index := range indexes {
		hashes[i] = s[index]
	}
	return hashes, nil
}

// open gives size and root of the checkpoint in a file, when the log signed it.
func open(file string, verifier note.Verifier) (int64, []byte) {
	text, err := os.ReadFile(file)
	if err != nil {
		fail("checkpoint: %v", err)
	}
	opened, err := note.Open(text, note.VerifierList(verifier))
	if err != nil {
		fail("%s: %v", file, err)
	}
	lines := strings.Split(opened.Text, "\n")
	if len(lines) != 4 || lines[0] != verifier.Name() || lines[3] != "" {
		fail("%s: form", file)
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil {
		fail("%s: size", file)
	}
	hash, err := base64.StdEncoding.DecodeString(lines[2])
	if err != nil || len(hash) != tlog.HashSize {
		fail("%s: root", file)
	}
	return size, hash
}

// witness is a key of tlog-cosignature: x/mod knows only signatures over the text itself, of algorithm 1.
type witness struct {
	name, id string
	hash     uint32
	key      ed25519.PublicKey
}

func newWitness(vkey string) witness {
	parts := strings.SplitN(vkey, "+", 3)
	if len(parts) != 3 {
		fail("witness key: form")
	}
	data, err := base64.StdEncoding.DecodeString(parts[2])
	if err != nil || len(data) != 1+ed25519.PublicKeySize || data[0] != 4 {
		fail("witness key: not an Ed25519 cosignature key")
	}
	sum := sha256.Sum256(append([]byte(parts[0]+"\n"), data...))
	hash := binary.BigEndian.Uint32(sum[:])
	if fmt.Sprintf("%08x", hash) != parts[1] {
		fail("witness key: hash")
	}
	return witness{parts[0], parts[1], hash, data[1:]}
}

func (w witness) Name() string    { return w.name }
func (w witness) KeyHash() uint32 { return w.hash }
func (w witness) Verify(text, signature []byte) bool {
	if len(signature) != 8+ed25519.SignatureSize {
		return false
	}
	head := fmt.Sprintf("cosignature/v1\ntime %d\n", binary.BigEndian.Uint64(signature))
	return ed25519.Verify(w.key, append([]byte(head), text...), signature[8:])
}

func main() {
	root, vkey := os.Args[1], os.Args[2]
	verifier, err := note.NewVerifier(vkey)
	if err != nil {
		fail("key: %v", err)
	}
	size, hash := open(filepath.Join(root, "checkpoint"), verifier)
	var tree stored
	for first := int64(0); first < size; first += 256 {
		width := int(size - first)
		if width > 256 {
			width = 256
		}
		bundle, err := os.ReadFile(filepath.Join(root, path("entries", first/256, width)))
		if err != nil {
			fail("entry %d: %v", first, err)
		}
		for count := 0; count < width; count++ {
			index := first + int64(count)
			if len(bundle) < 2 || len(bundle) < 2+int(binary.BigEndian.Uint16(bundle)) {
				fail("entry %d: the bundle ends", index)
			}
			length := 2 + int(binary.BigEndian.Uint16(bundle))
			hashes, err := tlog.StoredHashes(index, bundle[2:length], tree)
			if err != nil {
				fail("entry %d: %v", index, err)
			}
			tree = append(tree, hashes...)
			bundle = bundle[length:]
		}
		if len(bundle) > 0 {
			fail("entry %d: more than there should be", first+int64(width))
		}
	}
	computed, err := tlog.TreeHash(size, tree)
	if err != nil {
		fail("root: %v", err)
	}
	if !bytes.Equal(computed[:], hash) {
		fail("the entries do not lead to the root that was signed")
	}
	// Every tile is the one that the entries make.
	for _, tile := range tlog.NewTiles(8, 0, size) {
		if tile.W < 256 && int64(tile.W) != size>>(8*tile.L)%256 {
			continue // a width of the past
		}
		want, err := tlog.ReadTileData(tile, tree)
		if err != nil {
			fail("tile %v: %v", tile, err)
		}
		name := path(strconv.Itoa(tile.L), tile.N, tile.W)
		got, err := os.ReadFile(filepath.Join(root, name))
		if err != nil {
			fail("%v", err)
		}
		if !bytes.Equal(got, want) {
			fail("%s: not the tile that the entries make", name)
		}
	}
	// What each witness cosigned last is a state that this log went through.
	for _, vkey := range os.Args[3:] {
		by := newWitness(vkey)
		file := filepath.Join(root, "witness", by.id+".checkpoint")
		size, hash := open(file, verifier)
		text, err := os.ReadFile(file)
		if err != nil {
			fail("%v", err)
		}
		if _, err := note.Open(text, note.VerifierList(by)); err != nil {
			fail("%s: %v", by.name, err)
		}
		computed, err := tlog.TreeHash(size, tree)
		if err != nil || !bytes.Equal(computed[:], hash) {
			fail("%s cosigned another log", by.name)
		}
		fmt.Printf("%d entries cosigned by %s\n", size, by.name)
	}
	fmt.Printf("%d entries\n", size)
}
