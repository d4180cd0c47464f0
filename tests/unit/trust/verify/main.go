// Verify leaves as Go does it, which istiod and Kubernetes are written in.
//
//	go run main.go ROOT INTERMEDIATES LEAF...
//
// prints, for each leaf, OK or why it is refused. INTERMEDIATES may have several certificates.
package main

import (
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"os"
)

func read(path string) (*x509.Certificate, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		panic(err)
	}
	block, _ := pem.Decode(text)
	return x509.ParseCertificate(block.Bytes)
}

func pool(path string) *x509.CertPool {
	text, err := os.ReadFile(path)
	if err != nil {
		panic(err)
	}
	found := x509.NewCertPool()
	if !found.AppendCertsFromPEM(text) {
		panic(path)
	}
	return found
}

func verdict(path string, options x509.VerifyOptions) error {
	leaf, err := read(path)
	if err != nil {
		return err
	}
	_, err = leaf.Verify(options)
	return err
}

func main() {
	options := x509.VerifyOptions{
		Roots:         pool(os.Args[1]),
		Intermediates: pool(os.Args[2]),
		KeyUsages:     []x509.ExtKeyUsage{x509.ExtKeyUsageAny},
	}
	for _, path := range os.Args[3:] {
		if err := verdict(path, options); err != nil {
			fmt.Println(err)
		} else {
			fmt.Println("OK")
		}
	}
}
